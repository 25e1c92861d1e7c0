import { groupBy } from '../text/group-by.js';
import { utf8Length } from '../text/text.js';
import { TAILS_LIMIT_BYTES, limitTails } from '../verify/verification.js';
import { targetLabel } from '../targets/index.js';
import type { Verdict } from '../verify/verdict.js';
import type { Evidence } from './findings.js';
import type { SearchResult } from './search.js';

export interface ProbeFailure {
  readonly move: readonly string[];
  readonly verdict: Verdict;
}

/** Log tails of failures that a search keeps, in bytes: which of them are shown is known when it has ended. */
const KEPT_TAILS_BYTES = 8 * TAILS_LIMIT_BYTES;

/** What probes showed is a part of their workflow's result, which may have 2 MiB, in bytes of JSON. Targets past that have none. */
const EVIDENCE_BYTES = 768 * 1024;

/**
 * Failures of a search with some more, without those that can show nothing: for each input that such a one moved, another of the same
 * target moved it with less. Tails are cut where they are too much together.
 */
export function keepFailures(known: readonly ProbeFailure[], more: readonly ProbeFailure[]): readonly ProbeFailure[] {
  const all = [...known, ...more];
  const byTarget = groupBy(all, ({ verdict }) => targetLabel(verdict.target));
  const useful = all.filter((one) => {
    const less = (byTarget.get(targetLabel(one.verdict.target)) ?? []).filter((other) => isLess(other, one));
    return !one.move.every((name) => less.some(({ move }) => move.includes(name)));
  });
  const tails = limitTails(
    useful.map(({ verdict }) => verdict),
    KEPT_TAILS_BYTES,
  );
  return useful.map(({ move, verdict }, index) => ({ move, verdict: tails[index] ?? verdict }));
}

const isLess = (one: ProbeFailure, other: ProbeFailure): boolean =>
  one.move.length < other.move.length && one.move.every((name) => other.move.includes(name));

/**
 * For each target that breaks by several inputs, what the probe showed that moved one of them with the fewest of the others: the
 * candidate that moves them all fails with whichever breaks first.
 */
export function evidenceOf(
  results: ReadonlyMap<string, SearchResult>,
  failures: readonly ProbeFailure[],
): readonly Evidence[] {
  const found: Evidence[] = [];
  for (const [target, result] of results) {
    const held = result.kind === 'found' ? result.held.flat() : [];
    if (held.length < 2) continue;
    const own = failures.filter(({ verdict }) => targetLabel(verdict.target) === target);
    for (const input of held) {
      const others = ({ move }: ProbeFailure): number =>
        move.filter((name) => name !== input && held.includes(name)).length;
      const [best] = own.filter(({ move }) => move.includes(input)).sort((one, other) => others(one) - others(other));
      if (best !== undefined && others(best) < held.length - 1) found.push({ input, verdict: best.verdict });
    }
  }
  const tails = limitTails(
    found.map(({ verdict }) => verdict),
    TAILS_LIMIT_BYTES,
  );
  let room = EVIDENCE_BYTES;
  const evidence = found.map(({ input, verdict }, index) => ({ input, verdict: tails[index] ?? verdict }));
  const end = evidence.findIndex((one) => {
    room -= utf8Length(JSON.stringify(one)) + 1;
    return room < 0;
  });
  return end === -1 ? evidence : evidence.slice(0, end);
}
