import type { Fix } from '../../model/autofix/fix-target.js';
import type { Candidate } from '../../model/verify/candidate.js';
import { targetLabel, type Target } from '../../model/targets/index.js';
import type { Verdict } from '../../model/verify/verdict.js';
import { coordinator } from '../calls/coordinator.js';
import type { Facts } from './facts.js';
import { landingSignature, verifyFor, type Run } from './run.js';

export interface FixedCandidate {
  readonly candidate: Candidate;
  readonly fixes: readonly Fix[];
}

/** Puts fixes on a candidate in order; where they were made the commits are the same. What does not fit is left out. */
export async function putFixesOn(run: Run, onto: Candidate, fixes: readonly Fix[]): Promise<FixedCandidate> {
  let candidate = onto;
  const fitting: Fix[] = [];
  for (const fix of fixes) {
    const applied = await coordinator(`apply the fix of ${fix.targets.map(targetLabel).join(', ')}`).applyFix({
      repository: run.options.repository,
      candidate,
      fix: fix.candidate,
      ...landingSignature(run),
    });
    if (applied === null) {
      run.state.learn({ attempts: rejected(run, [fix], 'does not fit where it has to go now') });
      continue;
    }
    candidate = applied;
    fitting.push({ ...fix, candidate });
  }
  return { candidate, fixes: fitting };
}

/** The attempts that fixes came from, as ones that failed after all. */
export function rejected({ state }: Run, fixes: readonly Fix[], reason: string): Facts['attempts'] {
  const names = fixes.flatMap(({ targets }) => targets.map(targetLabel));
  return new Map(
    names.flatMap((name) => {
      const attempts = state.facts().attempts.get(name) ?? [];
      const last = attempts.at(-1);
      if (last?.outcome !== 'mended') return [];
      return [[name, [...attempts.slice(0, -1), { ...last, outcome: 'taken-out', reason }]]];
    }),
  );
}

export const verifyFix = async (run: Run, candidate: Candidate, target: Target): Promise<Verdict | undefined> =>
  (await verifyFixes(run, candidate, [target]))[0];

/** Verifies some targets of a candidate to learn what to do about them; nobody is shown more than that. */
export const verifyFixes = (run: Run, candidate: Candidate, targets: readonly Target[]): Promise<readonly Verdict[]> =>
  verifyFor(run, { label: 'fix', candidate, targets, probe: { derivations: [], failed: [], base: [] } });
