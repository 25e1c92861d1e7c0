import { TAILS_LIMIT_BYTES, limitTails } from '../verify.js';
import { targetLabel } from '../verdict.js';
import type { Verdict } from '../verdict.js';
import type { Evidence } from './findings.js';
import type { SearchResult } from './search.js';

/** A target that broke in a probe, which has a log of its own. */
export interface ProbeFailure {
  /** Inputs that the probe moved. */
  readonly move: readonly string[];
  readonly verdict: Verdict;
}

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
  return found.map(({ input, verdict }, index) => ({ input, verdict: tails[index] ?? verdict }));
}
