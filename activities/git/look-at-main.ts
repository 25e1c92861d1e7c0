import type { CoordinatorActivities } from '../../model/contract/activities.js';
import { finalFailure } from '../../model/run/failures.js';
import type { ActivityEnvironment } from '../environment.js';
import { ensureMirror } from './mirror.js';
import { fetchFailure } from './remote-failure.js';
import { openRemoteGit, REMOTE } from './transport.js';
import { whileWaitingFor } from './waiting.js';

/** Makes the activity that asks a remote where its main branch is, and nothing else: it only reads, so it may be repeated. */
export const createLookAtMain =
  (env: ActivityEnvironment): CoordinatorActivities['lookAtMain'] =>
  ({ repository }) =>
    whileWaitingFor(repository.displayUrl, async () => {
      const { mainBranch, displayUrl } = repository;
      const ref = `refs/heads/${mainBranch}`;
      const git = await openRemoteGit(await ensureMirror(env, repository), repository);
      const result = await git.attempt(['ls-remote', REMOTE, ref]);
      if (result.exitCode !== 0) throw fetchFailure(repository, result);
      const line = result.stdout.split('\n').find((each) => each.endsWith(`\t${ref}`));
      if (line === undefined)
        throw finalFailure('UnknownBranch', `${displayUrl} has no branch ${JSON.stringify(mainBranch)} (any more).`);
      return { commit: line.split('\t')[0] ?? '' };
    });
