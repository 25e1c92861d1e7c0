import { limitVulnerabilities } from './vulnerabilities.js';
import { utf8Length } from '../text/text.js';
import type { ClosureChange, TargetChange } from './closure.js';
import { listedBy, withList } from './share.js';

/** The change with as many packages, the most important ones first, as fit into so many bytes of JSON; the counts stay. */
export function limitChange<C extends ClosureChange>(whole: C, bytes: number): C {
  const { vulnerabilities } = whole;
  const change =
    vulnerabilities === undefined
      ? whole
      : { ...whole, vulnerabilities: limitVulnerabilities(vulnerabilities, Math.floor(bytes / VULNERABILITIES_SHARE)) };
  let room = bytes - utf8Length(JSON.stringify({ ...change, packages: [] }));
  const end = change.packages.findIndex((each) => {
    room -= utf8Length(JSON.stringify(each)) + 1;
    return room < 0;
  });
  return end === -1 ? change : { ...change, packages: change.packages.slice(0, end) };
}

/** The same of what is said of a target. */
export function limitTargetChange(change: TargetChange, bytes: number): TargetChange {
  const list = listedBy(change);
  return list === null ? change : withList(change, limitChange(list, bytes));
}

/** One part in so many of the room may be vulnerabilities. */
const VULNERABILITIES_SHARE = 3;

/** Room for what changes in all closures of a report, in bytes of JSON: a report has to stay below 2 MiB. */
const REPORT_BYTES = 256 * 1024;

/** Targets whose changes fit into a report: when they do not, each gets the same share of the room. */
export function limitChanges<T extends { readonly closure?: TargetChange }>(targets: readonly T[]): readonly T[] {
  // What another target lists takes next to nothing.
  const listing = targets.flatMap(({ closure }) =>
    closure === undefined || listedBy(closure)?.sameAs !== undefined ? [] : [closure],
  );
  const sizes = listing.map((closure) => utf8Length(JSON.stringify(closure)));
  if (sizes.reduce((sum, size) => sum + size, 0) <= REPORT_BYTES) return targets;
  const share = Math.floor(REPORT_BYTES / sizes.length);
  return targets.map((target) =>
    target.closure === undefined ? target : { ...target, closure: limitTargetChange(target.closure, share) },
  );
}

/** Room for what one target's closure changes, and for that of all targets of one verification, in bytes of JSON. */
const TARGET_BYTES = 24 * 1024;
const ALL_BYTES = 96 * 1024;

/** Room for each of so many targets: all of it is in a run's history some four times, which is to stay below 1 MB. */
export const roomForClosure = (targets: number): number => Math.min(TARGET_BYTES, Math.floor(ALL_BYTES / targets));
