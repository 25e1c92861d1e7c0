import { patched } from '@temporalio/workflow';
import type { CommitInput, LockUpdate } from '../../model/contract/lock.js';
import type { Fix } from '../../model/autofix/fix-target.js';
import type { Candidate } from '../../model/verify/candidate.js';
import { commitMessage } from '../../model/report/commit-message.js';
import { branchToPush } from '../../model/landing/index.js';
import type { HeldBackInput } from '../../model/report/data.js';
import { isFlakeTarget, type Target } from '../../model/targets/index.js';
import { coordinator } from '../calls/coordinator.js';
import { putFixesOn } from './fixes.js';
import { landingSignature, type Run } from './run.js';

/** What is verified: an update, and the targets of the main branch that it is based on. */
export interface Update {
  readonly lock: Extract<LockUpdate, { readonly kind: 'updated' }>;
  readonly targets: readonly Target[];
  /** Inputs that are kept where they are on base. */
  readonly heldBack: readonly HeldBackInput[];
  /** Fixes of agents, as commits on top of the lock's. */
  readonly fixes: readonly Fix[];
}

export interface Committed {
  readonly candidate: Candidate;
  /** The commit of its lock alone, which the fixes are on top of. */
  readonly locked: Candidate;
  /** With those of its fixes that fit. */
  readonly update: Update;
  /** Whether it has fixes that were made for another lock, or another main. */
  readonly takesFixesOver: boolean;
}

/** Makes the candidate of an update, complete with its messages: the commits that are verified are those that land. */
export async function commitUpdate(run: Run, update: Update): Promise<Committed> {
  const { state } = run;
  // Under fixes nobody evaluates it.
  const locked = await commitLock(run, update, update.fixes.length === 0 ? { nix: run.options.nix } : {});
  const { candidate, fixes } = await putFixesOn(run, locked, update.fixes);
  state.learn({ base: candidate.base, candidate, moved: update.lock.moved, heldBack: update.heldBack, fixes });
  return {
    candidate,
    locked,
    update: { ...update, fixes },
    takesFixesOver: fixes.some(({ madeFor }) => madeFor !== locked.head),
  };
}

export async function lockCommit(
  run: Run,
  { locked, update }: Pick<Committed, 'locked' | 'update'>,
): Promise<Candidate> {
  // Runs of 0.1.0 made it once more. replay-tested: 2026-11-29, test/replay/0.1.0
  return patched('lock-commit-is-known') ? locked : await commitLock(run, update);
}

/** Makes the commit of an update's lock alone. @param next how it is evaluated next, if it is */
async function commitLock(
  run: Run,
  { lock, targets, heldBack }: Update,
  next: Pick<CommitInput, 'nix'> = {},
): Promise<Candidate> {
  const { options } = run;
  const message = commitMessage({
    instance: options.instance,
    run: run.id,
    moved: lock.moved,
    heldBack,
    targets: targets.filter(isFlakeTarget),
  });
  return await coordinator('commit flake.lock').commitCandidate({
    repository: options.repository,
    draft: lock.draft,
    message,
    ...branchToPush(options, run.startTime),
    ...next,
    ...landingSignature(run),
  });
}
