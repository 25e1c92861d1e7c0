/**
 * Writes the table of what systemd says anew, with the `systemd-analyze` of this machine: `node
 * dist/test/model/calendar/record.js`. Expressions are those of the table; arguments are added to them.
 */
import { askSystemd, readSystemdTable, writeSystemdTable, type SystemdEvent } from '../../support/systemd-calendar.js';

const known = (await readSystemdTable()).map(({ expression }) => expression);
const events: SystemdEvent[] = [];
for (const expression of new Set([...known, ...process.argv.slice(2)])) events.push(await askSystemd(expression));
await writeSystemdTable(events);
