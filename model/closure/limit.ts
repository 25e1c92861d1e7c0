import { utf8Length } from '../text/text.js';
import type { ClosureChange } from './closure.js';

/** The change with as many packages, the most important ones first, as fit into so many bytes of JSON; the counts stay. */
export function limitChange(change: ClosureChange, bytes: number): ClosureChange {
  let room = bytes - utf8Length(JSON.stringify({ ...change, packages: [] }));
  const end = change.packages.findIndex((each) => {
    room -= utf8Length(JSON.stringify(each)) + 1;
    return room < 0;
  });
  return end === -1 ? change : { ...change, packages: change.packages.slice(0, end) };
}

/** Room for what one target's closure changes, and for that of all targets of one verification, in bytes of JSON. */
const TARGET_BYTES = 24 * 1024;
const ALL_BYTES = 96 * 1024;

/** Room for each of so many targets: all of it is in a run's history some four times, which is to stay below 1 MB. */
export const roomForClosure = (targets: number): number => Math.min(TARGET_BYTES, Math.floor(ALL_BYTES / targets));
