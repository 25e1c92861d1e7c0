import { VERIFY_LABEL } from '../../model/run/ids.js';
import { commandsOf } from '../../model/contract/asked-commands.js';
import type { Comparison } from '../../model/run/options.js';
import { isFlakeTarget, targetLabel, type FlakeTarget } from '../../model/targets/index.js';
import { goneTargets } from '../../model/targets/gone.js';
import { candidateOnRemote, type Candidate } from '../../model/verify/candidate.js';
import type { Verdict } from '../../model/verify/verdict.js';
import { allOrCancel } from '../calls/all-or-cancel.js';
import { coordinator } from '../calls/coordinator.js';
import { UNNEEDED_TRIES, goOnWithout } from '../calls/unneeded.js';
import { learnCommits } from './commits.js';
import type { Ended } from './facts.js';
import { verifyFor, verifyShown, type Run } from './run.js';
import { listTargets } from './targets.js';
import { inTheWay } from './verify-and-repair.js';

/** Takes the repository, and compares; whether there is a flake on main does not matter. */
export async function takeAndCompare(run: Run, compares: Comparison): Promise<Ended> {
  const taken = await run.lock.take();
  if (taken.kind === 'superseded') return { outcome: 'superseded', supersededBy: taken.by };
  run.state.phase('resolving');
  return await compareCommits(run, compares);
}

/** Verifies a commit as it is, and tells what it changes beside another one. */
async function compareCommits(run: Run, compares: Comparison): Promise<Ended> {
  const { options, state } = run;
  const { repository } = options;
  const commands = commandsOf(options);
  const found = await coordinator('find the commits to compare').findComparison({
    ...{ repository, compares },
    ...(commands.length > 0 && { commands }),
  });
  const { candidate, moved, advice } = found;
  state.learn({ base: candidate.base, candidate, moved, advice, ignoredChanges: found.leftOut });
  if (candidate.base === candidate.head) return { outcome: 'unchanged' };
  state.phase('verifying');
  const [targets, before] = await allOrCancel(
    () => listTargets(run, candidate.head, candidate),
    () => targetsAt(run, candidate.base),
  );
  state.learn({ gone: goneTargets(before, targets.filter(isFlakeTarget)) });
  state.targets(targets);
  const [verdicts] = await allOrCancel(
    // The commit was chosen by a person, so its code counts as that person's: no agent wrote it.
    () => verifyShown(run, { label: VERIFY_LABEL, candidate, targets, approved: true }),
    () => learnCommits(run, { moved, draft: candidate }),
  );
  state.learn({ verdicts, brokenOnBase: await brokenBefore(run, candidate, before, inTheWay(run, verdicts)) });
  return { outcome: inTheWay(run, verdicts).length === 0 ? 'verified' : 'broken' };
}

/** The targets that a commit has, of those that the run is asked for; none where that cannot be told. */
async function targetsAt({ options }: Run, base: string): Promise<readonly FlakeTarget[]> {
  const { repository, nix, targets } = options;
  try {
    const { listTargets: list } = coordinator('list the targets of the commit before', UNNEEDED_TRIES);
    return (await list({ repository, base, ...targets, lenient: true, nix })).targets;
  } catch (error) {
    goOnWithout('the targets of the commit before', error);
    return [];
  }
}

/** Names of broken targets that base has as well, and that are as broken there. */
async function brokenBefore(
  run: Run,
  { base }: Candidate,
  before: readonly FlakeTarget[],
  broken: readonly Verdict[],
): Promise<readonly string[]> {
  const there = new Set(before.map(targetLabel));
  const targets = broken.map(({ target }) => target).filter((target) => there.has(targetLabel(target)));
  if (targets.length === 0) return [];
  const candidate = candidateOnRemote(base);
  const verdicts = await verifyFor(run, { label: 'base', candidate, targets, withoutBase: true });
  return verdicts.filter(({ verdict }) => verdict !== 'built').map(({ target }) => targetLabel(target));
}
