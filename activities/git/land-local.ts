import { ApplicationFailure } from '@temporalio/common';
import type { LandInput, LandResult } from '../../model/activities.js';
import type { FailureType } from '../../model/failures.js';
import type { Repository } from '../../model/run.js';
import { oneLine } from '../../model/one-line.js';
import { stripControl, tail } from '../../model/text.js';
import type { ActivityEnvironment } from '../environment.js';
import { GitFailed, gitMessage, openGit, type Git } from './git.js';
import { installBundle } from './install-commit.js';
import { commitRef } from './mirror.js';
import { landOnBranch } from './land-branch.js';
import { isAncestor, mainMoved } from './ours.js';

const refused = (message: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(message, 'PushRejected' satisfies FailureType);

/** Git in the owner's repository, which has no remote. */
export const openLocal = ({ url }: Repository): Git => openGit(url.replace(/^file:\/\//, ''));

/** Brings the candidate's commits into the owner's repository, where at first no branch holds them. */
async function bring(env: ActivityEnvironment, input: LandInput): Promise<Git> {
  const mirror = await installBundle(env, input);
  const git = openLocal(input.repository);
  const ref = commitRef(input.candidate.head);
  await git.run(['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--', mirror, ref]);
  return git;
}

async function branchTip(git: Git, branch: string): Promise<string | null> {
  const result = await git.attempt(['rev-parse', '--verify', '--quiet', `refs/heads/${branch}^{commit}`]);
  return result.exitCode === 0 ? result.stdout.trim() : null;
}

/** Folder of the work tree that has a branch checked out; `null` when none has. */
async function checkedOutAt(git: Git, branch: string): Promise<string | null> {
  const bare = (await git.run(['rev-parse', '--is-bare-repository'])).trim() === 'true';
  const list = await git.run(['worktree', 'list', '--porcelain', '-z']);
  for (const entry of list.split('\0\0')) {
    const lines = entry.split('\0');
    const folder = lines.find((line) => line.startsWith('worktree '))?.slice('worktree '.length);
    const isBareEntry = bare && lines.includes('bare');
    if (folder !== undefined && !isBareEntry && lines.includes(`branch refs/heads/${branch}`)) return folder;
  }
  return null;
}

/** Moves a branch that no work tree has, from exactly where it was seen. */
async function moveRef(git: Git, branch: string, head: string, expected: string | null): Promise<void> {
  const message = 'lockkeeper: land update';
  const absent = '0'.repeat(head.length);
  await git.run(['update-ref', '-m', message, `refs/heads/${branch}`, head, expected ?? absent]);
}

/** Writes the update branch in a repository without a remote, by the same rules as on a remote. */
export async function landLocalBranch(env: ActivityEnvironment, input: LandInput): Promise<LandResult> {
  const git = await bring(env, input);
  return landOnBranch(
    {
      git,
      branches: () => localBranches(git),
      noMain: () => Promise.resolve(missingMain(input)),
      inUse: (branch) => inUse(git, branch),
      async move(branch, from) {
        await moveRef(git, branch, input.candidate.head, from);
        return 'pushed';
      },
    },
    input,
  );
}

/** Says so when a branch is checked out: moving or removing it would show up as local changes. */
async function inUse(git: Git, branch: string): Promise<string | null> {
  const folder = await checkedOutAt(git, branch);
  return folder === null ? null : `is checked out at ${oneLine(folder)}`;
}

/** Removes a branch from exactly where it was seen; gives the reason when it stays, as a clause. */
export async function removeLocal(git: Git, branch: string, commit: string): Promise<string | null> {
  const reason = await inUse(git, branch);
  if (reason === null) await git.run(['update-ref', '-d', `refs/heads/${branch}`, commit]);
  return reason;
}

const missingMain = ({ repository }: LandInput): ApplicationFailure =>
  ApplicationFailure.nonRetryable(
    `${repository.displayUrl} has no branch ${repository.mainBranch} any more.`,
    'UnknownBranch' satisfies FailureType,
  );

export async function localBranches(git: Git): Promise<ReadonlyMap<string, string>> {
  const lines = (await git.run(['for-each-ref', '--format=%(objectname) %(refname)', 'refs/heads/'])).split('\n');
  return new Map(
    lines.flatMap((line) => {
      const [, commit = '', name = ''] = /^([0-9a-f]+) refs\/heads\/(.+)$/.exec(line) ?? [];
      return name === '' ? [] : [[name, commit]];
    }),
  );
}

/**
 * Fast-forwards main in a repository without a remote. Where main is checked out, Git's own merge moves branch and files
 * together, and refuses before it touches anything when a file of the update has changes in the work tree.
 */
export async function landLocalMain(env: ActivityEnvironment, input: LandInput): Promise<LandResult> {
  const { candidate, repository } = input;
  const branch = repository.mainBranch;
  const landed: LandResult = { kind: 'landed', ref: branch, commit: candidate.head };
  const git = await bring(env, input);
  const main = await branchTip(git, branch);
  if (main === null) throw missingMain(input);
  if (await isAncestor(git, candidate.head, main)) return landed;
  // Also where a fast-forward would do: what its owner took back must not come back.
  if (main !== candidate.base) return mainMoved(git, candidate, main);
  const folder = await checkedOutAt(git, branch);
  if (folder === null) {
    await moveRef(git, branch, candidate.head, main);
    return landed;
  }
  const merged = await openGit(folder).attempt(['merge', '--ff-only', '--no-verify', '--quiet', candidate.head]);
  if (merged.exitCode === 0) return landed;
  if (merged.stderr.includes('index.lock')) throw new GitFailed('merge', merged);
  throw refused(
    `${branch} is checked out in ${stripControl(folder)} and cannot be moved there. Nothing was changed. Commit or stash ` +
      `your changes, or land on a branch (--land branch). Git said:\n${tail(gitMessage(merged.stderr), { lines: 20, bytes: 2048 })}`,
  );
}
