import type { ApplicationFailure } from '@temporalio/common';
import type { CoordinatorActivities } from '../../model/contract/activities.js';
import { finalFailure } from '../../model/run/failures.js';
import type { Repository } from '../../model/run/options.js';
import { stripControl } from '../../model/text/text.js';
import type { ActivityEnvironment } from '../environment.js';
import { checkFlake } from './flake-files.js';
import { openGit, type Git } from './git.js';
import { leftOut } from './left-out.js';
import { keepCommit } from './install-commit.js';
import { fetchMirror } from './mirror.js';
import { signerOf } from './signing.js';
import { whileWaitingFor } from './waiting.js';

/** Names that are listed before the rest is only counted. */
const BRANCHES_LISTED = 20;

/** Names the branches that there are. @param lacks what there is not, and which option names another one */
export async function unknownBranch(
  git: Git,
  repository: Repository,
  lacks = { what: `branch ${JSON.stringify(repository.mainBranch)}`, option: '--main' },
): Promise<ApplicationFailure> {
  const refs = await git.run(['for-each-ref', '--format=%(refname:lstrip=2)', 'refs/heads/']);
  const names = refs.split('\n').filter((name) => name !== '');
  const listed = names.slice(0, BRANCHES_LISTED).map(stripControl).join(', ');
  const more = names.length > BRANCHES_LISTED ? ` and ${names.length - BRANCHES_LISTED} more` : '';
  const has = names.length === 0 ? 'It has no branches at all.' : `It has: ${listed}${more}.`;
  return finalFailure(
    'UnknownBranch',
    `${repository.displayUrl} has no ${lacks.what}. ${has} Name another one with ${lacks.option}.`,
  );
}

/** The commit that a branch of the mirror is at. Throws `UnknownBranch`, with the names that exist. */
export async function mainCommit(git: Git, repository: Repository): Promise<string> {
  const ref = `refs/heads/${repository.mainBranch}^{commit}`;
  const result = await git.attempt(['rev-parse', '--verify', '--quiet', ref]);
  if (result.exitCode !== 0) throw await unknownBranch(git, repository);
  return result.stdout.trim();
}

/** Refuses an update branch that is below a branch, in the place of a folder: none of that prefix could be made. */
async function checkPrefix(git: Git, repository: Repository, branch: string): Promise<void> {
  const folders = branch.split('/').slice(0, -1);
  for (const [index] of folders.entries()) {
    const above = folders.slice(0, index + 1).join('/');
    if ((await git.attempt(['rev-parse', '--verify', '--quiet', `refs/heads/${above}`])).exitCode !== 0) continue;
    throw finalFailure(
      'PushRejected',
      `${repository.displayUrl} has a branch ${above}, so that Git cannot have a branch ${branch}. ` +
        'Delete or rename it, or choose another --branch-prefix (for pull requests: --branch).',
    );
  }
}

/**
 * Fetches the mirror, names the commit of main that a run is about, keeps it, and refuses what no later step could handle.
 * Repeating it may give a newer commit; the workflow keeps the first answer. A mirror is cloned beside its place and renamed,
 * and Git moves each ref at once, so that dying in the midst leaves the mirror as it was, or newer.
 */
export const createResolveBase =
  (env: ActivityEnvironment): CoordinatorActivities['resolveBase'] =>
  async ({ repository, branch, signing }) => {
    await signerOf(signing);
    const git = openGit(await whileWaitingFor(repository.displayUrl, () => fetchMirror(env, repository)));
    const commit = await mainCommit(git, repository);
    const [, , left] = await Promise.all([
      keepCommit(git, commit),
      checkFlake(git, repository, commit),
      leftOut(repository, commit),
      branch === undefined ? undefined : checkPrefix(git, repository, branch),
    ]);
    return { commit, leftOut: left };
  };
