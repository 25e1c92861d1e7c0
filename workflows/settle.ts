import type { Candidate } from '../model/candidate.js';
import { targetLabel } from '../model/verdict.js';
import type { Verdict } from '../model/verdict.js';
import { commitUpdate } from './commit-update.js';
import type { Update } from './commit-update.js';
import { holdBack } from './hold-back.js';
import type { Run } from './run.js';
import { verify } from './verification.js';

/**
 * Commits and verifies an update, and does about broken required targets what the policy says, one step after the other for
 * what is still broken: a repaired update is another candidate, all of whose targets are verified.
 * @returns what may land; `null` when nothing may
 */
export async function settle(
  run: Run,
  first: Update,
): Promise<{ readonly candidate: Candidate; readonly update: Update } | null> {
  const { options, state } = run;
  const steps = [...(options.onFailure ?? ['report'])];
  state.brokenOnBase = [];
  state.notHeldBack = [];
  let update = first;
  for (;;) {
    const candidate = await commitUpdate(run, update);
    const verdicts = await verify(run, candidate, update.targets);
    let repaired: Update | null = null;
    for (let broken = inTheWay(run, verdicts); broken.length > 0; broken = inTheWay(run, verdicts)) {
      const step = steps.shift() ?? 'report';
      if (step === 'report') return null;
      if (step === 'leave-behind') break;
      const partlyWanted = steps.some((next) => next !== 'report');
      repaired = await holdBack(run, { candidate, update, broken, partlyWanted });
      if (repaired !== null) break;
    }
    if (repaired === null) return { candidate, update };
    update = repaired;
  }
}

/** Required targets that the update broke: what was broken before it is nobody's fault. */
function inTheWay({ state }: Run, verdicts: readonly Verdict[]): readonly Verdict[] {
  return verdicts.filter(({ verdict, target }) => {
    const name = targetLabel(target);
    return verdict !== 'built' && state.required.includes(name) && !state.brokenOnBase.includes(name);
  });
}
