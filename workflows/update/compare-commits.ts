import { VERIFY_LABEL } from '../../model/run/ids.js';
import type { Comparison } from '../../model/run/options.js';
import { targetLabel, type FlakeTarget } from '../../model/targets/index.js';
import type { Candidate } from '../../model/verify/candidate.js';
import type { Verdict } from '../../model/verify/verdict.js';
import { allOrCancel } from '../calls/all-or-cancel.js';
import { coordinator } from '../calls/coordinator.js';
import { UNNEEDED_TRIES, goOnWithout } from '../calls/unneeded.js';
import { learnCommits } from './commits.js';
import type { Ended } from './facts.js';
import { verifyFor, verifyShown } from './run.js';
import type { Run } from './run.js';
import { listTargets } from './targets.js';
import { inTheWay } from './verify-and-repair.js';

/** Verifies a commit as it is, and tells what it changes beside another one. */
export async function compareCommits(run: Run, compares: Comparison): Promise<Ended> {
  const { options, state } = run;
  const { repository } = options;
  const found = await coordinator('find what is compared').findComparison({ repository, compares });
  const { candidate, moved, advice } = found;
  state.learn({ base: candidate.base, candidate, moved, advice, ignoredChanges: found.leftOut });
  if (candidate.base === candidate.head) return { outcome: 'unchanged' };
  state.phase('verifying');
  const targets = await listTargets(run, candidate.head, candidate);
  state.targets(targets);
  const [verdicts] = await allOrCancel(
    () => verifyShown(run, { label: VERIFY_LABEL, candidate, targets }),
    () => learnCommits(run, { moved, draft: candidate }),
  );
  state.learn({ verdicts, brokenOnBase: await brokenBefore(run, candidate, inTheWay(run, verdicts)) });
  return { outcome: inTheWay(run, verdicts).length === 0 ? 'verified' : 'broken' };
}

/** The targets that a commit has, as far as it has those that the run is asked for. */
async function targetsAt({ options }: Run, base: string): Promise<readonly FlakeTarget[]> {
  const { repository, nix, targets } = options;
  try {
    const { listTargets: list } = coordinator('list what there was before', UNNEEDED_TRIES);
    return (await list({ repository, base, ...targets, nix })).targets;
  } catch (error) {
    goOnWithout('what was broken before', error);
    return [];
  }
}

/** Names of broken targets that base has as well, and that are as broken there. */
async function brokenBefore(run: Run, { base }: Candidate, broken: readonly Verdict[]): Promise<readonly string[]> {
  const there = broken.length === 0 ? new Set() : new Set((await targetsAt(run, base)).map(targetLabel));
  const targets = broken.map(({ target }) => target).filter((target) => there.has(targetLabel(target)));
  if (targets.length === 0) return [];
  const candidate = { base, head: base, bundle: '' };
  const verdicts = await verifyFor(run, { label: 'base', candidate, targets, withoutBase: true });
  return verdicts.filter(({ verdict }) => verdict !== 'built').map(({ target }) => targetLabel(target));
}
