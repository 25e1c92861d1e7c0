import { VERIFY_LABEL } from '../../model/run/ids.js';
import { ended } from '../../model/progress/progress.js';
import { isFlakeTarget, targetLabel, type Target } from '../../model/targets/index.js';
import type { Verdict } from '../../model/verify/verdict.js';
import { coordinator } from '../calls/coordinator.js';
import { UNNEEDED_TRIES, goOnWithout } from '../calls/unneeded.js';
import type { Ended } from './facts.js';
import { showPending } from './main-statuses.js';
import { verifyShown, type Run } from './run.js';
import { listTargets } from './targets.js';
import { inTheWay } from './verify-and-repair.js';
import { candidateOnRemote } from '../../model/verify/candidate.js';

/** Verifies a commit of main as it is: what an earlier run found out about it is not built or evaluated again. */
export async function verifyMain(run: Run, commit: string): Promise<Ended> {
  const { state } = run;
  const candidate = candidateOnRemote(commit);
  state.learn({ candidate });
  state.phase('verifying');
  const targets = await listTargets(run, commit);
  state.targets(targets);
  const known = await findKnown(run, commit, targets);
  state.changed(known.map(ended));
  const names = new Set(known.map(({ target }) => targetLabel(target)));
  const others = targets.filter((target) => !names.has(targetLabel(target)));
  const shown = showPending(run, others);
  let verified: readonly Verdict[] = [];
  try {
    if (others.length > 0)
      verified = await verifyShown(run, { label: VERIFY_LABEL, candidate, targets: others, withoutBase: true });
  } finally {
    // What is shown next is to be the last.
    await shown;
  }
  const found = new Map([...known, ...verified].map((verdict) => [targetLabel(verdict.target), verdict]));
  const verdicts = targets.flatMap((target) => found.get(targetLabel(target)) ?? []);
  state.learn({ verdicts });
  return { outcome: inTheWay(run, verdicts).length === 0 ? 'verified' : 'broken' };
}

/** What earlier runs know of the commit; gates are run each time, for their commands are no part of it. */
async function findKnown({ options }: Run, commit: string, targets: readonly Target[]): Promise<readonly Verdict[]> {
  const { repository, nix, again, caches } = options;
  if (again === true || nix.impure) return [];
  try {
    return await coordinator('read known verdicts of the commit', UNNEEDED_TRIES).knownVerdicts({
      repository,
      commit,
      targets: targets.filter(isFlakeTarget),
      nix,
      ...(caches !== undefined && { caches }),
    });
  } catch (error) {
    goOnWithout('verdicts of earlier runs about the commit', error);
    return [];
  }
}
