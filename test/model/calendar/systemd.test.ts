import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { isNearRepeatedHour, nextFirings, parseCalendar, printCalendar } from '../../../model/calendar/index.js';
import {
  askSystemd,
  BASE_TIMES,
  ITERATIONS,
  readSystemdTable,
  secondsOf,
  systemdVersion,
  TABLE_VERSION,
  type SystemdEvent,
} from '../../support/systemd-calendar.js';

/**
 * What systemd 252 passes over when a repetition without an end runs out of its month or year: asked from a minute before,
 * it names these times itself.
 */
const PASSED_OVER: Readonly<Record<string, readonly string[]>> = {
  '*-*-1/7': ['2028-01-01T00:00:00Z'],
  '0/5:17': ['2027-11-01T00:17:00Z', '2028-03-01T00:17:00Z'],
  '*:0/7': ['2027-03-28T00:00:00Z'],
};

/** Days whose midnight the clocks jump over are not Sundays to Temporal: see temporal.test.ts. */
const WITHOUT_MIDNIGHT = ['Sun *-03~07/1 02:30 Atlantic/Azores'];

/** Firings up to the last one that systemd was asked for, without those around an hour that the clocks show twice. */
function comparable(event: SystemdEvent, firings: readonly number[], last: number): readonly string[] {
  const zone = parseCalendar(event.expression).timeZone ?? 'UTC';
  return firings
    .filter((firing) => firing <= last && !isNearRepeatedHour(zone, firing))
    .map((firing) => new Date(firing * 1000).toISOString().replace('.000Z', 'Z'));
}

describe('calendar events as systemd reads them', () => {
  let table: readonly SystemdEvent[] = [];
  before(async () => {
    table = await readSystemdTable();
  });

  test('the table, made with systemd-analyze, has more than 300 expressions', () => {
    assert.ok(table.length > 300, String(table.length));
  });

  test('every normal form is what systemd-analyze printed', () => {
    for (const { expression, normalised } of table) {
      assert.equal(printCalendar(parseCalendar(expression)), normalised, expression);
      assert.equal(printCalendar(parseCalendar(normalised)), normalised, 'a normal form stays as it is');
    }
  });

  for (const [index, base] of BASE_TIMES.entries()) {
    test(`from ${base} on, the next ${ITERATIONS} firings are those that systemd-analyze printed`, () => {
      for (const event of table) {
        const { expression } = event;
        if (WITHOUT_MIDNIGHT.includes(expression)) continue;
        const theirs = event.firings[index] ?? [];
        const last = theirs.length < ITERATIONS ? Infinity : (theirs.at(-1) ?? 0);
        const options = { after: secondsOf(base), count: 3 * ITERATIONS, timeZone: 'UTC' };
        const ours = comparable(event, nextFirings([parseCalendar(expression)], options), last);
        const passedOver = PASSED_OVER[expression] ?? [];
        assert.deepEqual(
          ours.filter((firing) => !passedOver.includes(firing)),
          comparable(event, theirs, last),
          expression,
        );
      }
    });
  }

  test('the table is what systemd-analyze of this machine says', async (context) => {
    const version = await systemdVersion();
    if (version !== TABLE_VERSION) {
      context.skip(`the table is of systemd ${TABLE_VERSION}, and this machine has ${version ?? 'none'}`);
      return;
    }
    // Every seventh expression: systemd-analyze needs a process for each firing in a time zone.
    for (const [index, event] of table.entries()) {
      if (index % 7 === 0) assert.deepEqual(await askSystemd(event.expression), event);
    }
  });
});
