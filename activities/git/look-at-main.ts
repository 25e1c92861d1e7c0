import type { CoordinatorActivities } from '../../model/contract/activities.js';
import { finalFailure } from '../../model/run/failures.js';
import type { Repository } from '../../model/run/options.js';
import type { ActivityEnvironment } from '../environment.js';
import { isAncestor } from './branch-owner.js';
import { openGit } from './git.js';
import { ensureMirror, fetchMirror, hasCommit } from './mirror.js';
import { fetchFailure } from './remote-failure.js';
import { mainCommit } from './resolve-base.js';
import { openRemoteGit, REMOTE } from './transport.js';
import { whileWaitingFor } from './waiting.js';

/**
 * Makes the activity that asks a remote where its main branch is, and, when that has moved, fetches what is there to tell whether it lost the
 * commit where it was. It only reads, so it may be repeated.
 */
export const createLookAtMain =
  (env: ActivityEnvironment): CoordinatorActivities['lookAtMain'] =>
  ({ repository, seen }) =>
    whileWaitingFor(repository.displayUrl, async () => {
      const { mainBranch, displayUrl } = repository;
      const ref = `refs/heads/${mainBranch}`;
      const git = await openRemoteGit(await ensureMirror(env, repository), repository);
      const result = await git.attempt(['ls-remote', REMOTE, ref]);
      if (result.exitCode !== 0) throw fetchFailure(repository, result);
      const line = result.stdout.split('\n').find((each) => each.endsWith(`\t${ref}`));
      if (line === undefined)
        throw finalFailure('UnknownBranch', `${displayUrl} has no branch ${JSON.stringify(mainBranch)} (any more).`);
      const commit = line.split('\t')[0] ?? '';
      const lost = seen !== undefined && seen !== commit && !(await hasOnMain(env, repository, seen));
      return lost ? { commit, lost: seen } : { commit };
    });

/** Whether main, as it is by now, has a commit. One that the remote does not have any more is not on main. */
async function hasOnMain(env: ActivityEnvironment, repository: Repository, commit: string): Promise<boolean> {
  const mirror = openGit(await fetchMirror(env, repository));
  return (await hasCommit(mirror, commit)) && (await isAncestor(mirror, commit, await mainCommit(mirror, repository)));
}
