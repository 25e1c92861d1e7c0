import { isFinal } from '../../model/run/failures.js';
import type { CoordinatorActivities } from '../../model/contract/activities.js';
import { oneLine } from '../../model/text/one-line.js';
import type { InsteadOf } from '../../model/report/data.js';
import type { Repository } from '../../model/run/options.js';
import type { ActivityEnvironment } from '../environment.js';
import { localBranches, openLocal, removeLocal } from './land-local.js';
import { ensureMirror } from './mirror.js';
import { push, remoteBranches } from './push.js';
import { openRemoteGit } from './transport.js';

/** The branches of a repository, as far as they are removed. */
interface Branches {
  /** Where they are now. */
  now(wanted: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Removes one from exactly where it was seen; gives the reason when it stays, as a clause. */
  remove(branch: string, commit: string): Promise<string | null>;
}

/**
 * Makes the activity that removes branches which are still where they were seen; one that has moved stays. Safe to repeat: a
 * branch that is gone counts as removed.
 */
export const createRemoveBranches =
  (env: ActivityEnvironment): CoordinatorActivities['removeBranches'] =>
  async ({ repository, branches }) => {
    const of = repository.local ? localOnes(repository) : await remoteOnes(env, repository);
    const now = await of.now(branches.map(({ branch }) => branch));
    const removed: string[] = [];
    const kept: InsteadOf[] = [];
    for (const { branch, commit } of branches) {
      const reason = await reasonToStay(of, now.get(branch), branch, commit);
      if (reason === null) removed.push(branch);
      else kept.push({ branch, reason });
    }
    return { removed, kept };
  };

async function reasonToStay(
  of: Branches,
  tip: string | undefined,
  branch: string,
  commit: string,
): Promise<string | null> {
  if (tip === undefined) return null;
  if (tip !== commit) return 'was moved by others meanwhile';
  try {
    return await of.remove(branch, commit);
  } catch (error) {
    // What is refused for good keeps no other branch from being removed.
    if (!isFinal(error)) throw error;
    return `cannot be removed: ${oneLine(error.message)}`;
  }
}

async function remoteOnes(env: ActivityEnvironment, repository: Repository): Promise<Branches> {
  const remote = await openRemoteGit(await ensureMirror(env, repository), repository);
  return {
    now: (wanted) => remoteBranches(remote, repository, wanted),
    async remove(branch, commit) {
      const result = await push(remote, repository, { commit: null, branch, replaces: commit });
      return result === 'pushed' ? null : `cannot be removed: ${oneLine(result.said)}`;
    },
  };
}

function localOnes(repository: Repository): Branches {
  const git = openLocal(repository);
  return { now: () => localBranches(git), remove: (branch, commit) => removeLocal(git, branch, commit) };
}
