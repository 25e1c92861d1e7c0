import type { CoordinatorActivities } from '../../model/contract/activities.js';
import { finalFailure } from '../../model/run/failures.js';
import { composeLock } from '../../model/flake-lock/compose.js';
import { movedInputs } from '../../model/flake-lock/diff.js';
import { repointedInputs } from '../../model/flake-lock/repointed.js';
import { serialiseLock } from '../../model/flake-lock/serialise.js';
import { FlakeLockError, type FlakeLock } from '../../model/flake-lock/types.js';
import { inputGroups } from '../../model/flake-lock/inseparable.js';
import { withLockOf, type Candidate } from '../../model/verify/candidate.js';
import type { Repository } from '../../model/run/options.js';
import type { ActivityEnvironment } from '../environment.js';
import { commitDraft } from './commit-draft.js';
import { lockAt } from './flake-files.js';
import { openGit } from './git.js';
import { installBundle } from './install-commit.js';

async function locksOf(
  env: ActivityEnvironment,
  repository: Repository,
  candidate: Candidate,
): Promise<{ readonly base: FlakeLock; readonly head: FlakeLock }> {
  const git = openGit(await installBundle(env, { repository, candidate }));
  const [base, head] = await Promise.all([
    lockAt(git, repository, candidate.base),
    lockAt(git, repository, candidate.head),
  ]);
  return { base, head };
}

/** Makes the activity that says which inputs move only together. It only reads. */
export const createGroupInputs =
  (env: ActivityEnvironment): CoordinatorActivities['groupInputs'] =>
  async ({ repository, candidate, moved }) => {
    const { base, head } = await locksOf(env, repository, candidate);
    return inputGroups(base, head, moved);
  };

/**
 * Makes the activity that commits base's lock with only some of a candidate's inputs, as a draft. Nothing is fetched. Safe
 * to repeat: the same input gives the same draft.
 */
export const createComposeCandidate =
  (env: ActivityEnvironment): CoordinatorActivities['composeCandidate'] =>
  async ({ repository, candidate, move, ...signature }) => {
    const { base, head } = await locksOf(env, repository, candidate);
    const lock = composeWithShape(base, head, move);
    const moved = movedInputs(base, lock);
    if (moved.length === 0) return { kind: 'unchanged', unfetched: [] };
    const draft = await commitDraft(env, { repository, ...signature }, candidate.base, serialiseLock(lock));
    return { kind: 'updated', draft: withLockOf(draft, candidate), moved, unfetched: [] };
  };

/**
 * What flake.nix asks for otherwise than base's lock has it, although nothing moved for it, is as in the candidate: Nix refuses a
 * lock that does not fit flake.nix. Unless that cannot be composed with what stays.
 */
function composeWithShape(base: FlakeLock, head: FlakeLock, move: readonly string[]): FlakeLock {
  const moved = movedInputs(base, head).map(({ name }) => name);
  const reshaped = repointedInputs(base, head).filter((name) => !moved.includes(name));
  try {
    return composeLock({ base, candidate: head, move: [...move, ...reshaped] });
  } catch (error) {
    if (!(error instanceof FlakeLockError && error.problem === 'not-composable')) throw error;
    return compose(base, head, move);
  }
}

function compose(base: FlakeLock, candidate: FlakeLock, move: readonly string[]): FlakeLock {
  try {
    return composeLock({ base, candidate, move });
  } catch (error) {
    if (!(error instanceof FlakeLockError)) throw error;
    // Whole groups always compose: trying again would not help.
    throw finalFailure('LockUnreadable', error.message);
  }
}
