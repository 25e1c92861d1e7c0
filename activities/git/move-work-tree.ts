import { lstat, stat } from 'node:fs/promises';
import path from 'node:path';
import type { ApplicationFailure } from '@temporalio/common';
import { finalFailure } from '../../model/run/failures.js';
import { shellQuote, stripControl, tail } from '../../model/text/text.js';
import { branchUses, type Unfinished } from './branch-use.js';
import { GitFailed, gitFailure, gitMessage, openPersonsGit, type Git, type GitResult } from './git.js';

interface Move {
  readonly branch: string;
  readonly from: string;
  readonly to: string;
}

const LOG_MESSAGE = 'lockkeeper: land update';

const refused = (message: string): ApplicationFailure => finalFailure('PushRejected', message);

const WAY_OUT: Record<Unfinished, string> = {
  rebase: 'End it with git rebase --continue or --abort',
  am: 'End it with git am --continue or --abort',
  merge: 'End it with git merge --continue or --abort',
  'cherry-pick': 'End it with git cherry-pick --continue or --abort',
  revert: 'End it with git revert --continue or --abort',
  bisect: 'End it with git bisect reset',
};

/**
 * Moves a branch from exactly where it was seen; `from` is `null` when it must not exist.
 * @throws a retryable failure when somebody has moved it meanwhile: the next try finds it where it is then
 */
export async function moveRef(git: Git, branch: string, to: string, from: string | null): Promise<void> {
  const ref = `refs/heads/${branch}`;
  const moved = await git.attempt(['update-ref', '-m', LOG_MESSAGE, ref, to, from ?? '0'.repeat(to.length)]);
  if (moved.exitCode === 0) return;
  const now = (await git.attempt(['rev-parse', '--verify', '--quiet', ref])).stdout.trim();
  throw now === (from ?? '') ? gitFailure('update-ref', moved) : new GitFailed('update-ref', moved);
}

/**
 * Fast-forwards a branch of a person's repository, together with the files of the work tree that has it. Nothing is touched
 * when a file of the update has changes there, or when Git is in the midst of something that needs the branch where it is.
 * Safe to repeat: files that are there already stay.
 * @throws `PushRejected` with the way out; a retryable failure while another Git works there
 */
export async function fastForward(git: Git, move: Move): Promise<void> {
  const uses = await branchUses(git, move.branch);
  const where = (folder: string): string => stripControl(folder);
  for (const { folder, unfinished } of uses) {
    if (unfinished === null) continue;
    throw refused(
      `A ${unfinished} in ${where(folder)} needs ${move.branch} where it is. Nothing was changed. ` +
        `${WAY_OUT[unfinished]} and run the update again, or land on a branch (--land branch).`,
    );
  }
  const [use, other] = uses;
  if (other !== undefined) {
    throw refused(
      `${move.branch} is checked out more than once: in ${uses.map(({ folder }) => where(folder)).join(' and ')}. ` +
        'Nothing was changed. Switch all but one of them to other branches, or land on a branch (--land branch).',
    );
  }
  if (use === undefined) await moveRef(git, move.branch, move.to, move.from);
  else await moveWithFiles(openPersonsGit(use.folder), move);
}

/** Files first: killed in between, the branch has not moved, and the next try finds the files as they should be. */
async function moveWithFiles(git: Git, { branch, from, to }: Move): Promise<void> {
  const inTheWay = await untrackedInTheWay(git, from, to);
  if (inTheWay !== null) throw cannotMove(git, branch, `Untracked file ${inTheWay} would be overwritten.`);
  // Files that were only touched, and not changed, would look changed.
  await git.attempt(['update-index', '-q', '--refresh']);
  const written = await git.attempt(['read-tree', '-m', '-u', from, to]);
  if (written.exitCode !== 0) throw await notWritten(git, branch, written);
  try {
    await moveRef(git, branch, to, from);
  } catch (error) {
    await git.run(['read-tree', '-m', '-u', to, from]);
    throw error;
  }
}

/** Git overwrites files that it is told to ignore; they are the person's own all the same. */
async function untrackedInTheWay(git: Git, from: string, to: string): Promise<string | null> {
  const between = ['-r', '--no-renames', '--diff-filter=A', '--name-only', '-z', from, to];
  const added = (await git.run(['diff-tree', ...between])).split('\0').filter((name) => name !== '');
  const clear = new Set<string>();
  for (const name of added) {
    const folders = foldersAbove(name);
    for (const each of [...folders, name]) {
      if (clear.has(each)) continue;
      const there = await lstat(path.join(git.directory, each)).catch(() => null);
      if (there === null) break;
      const isFolder = each !== name && there.isDirectory();
      const tracked = isFolder || (await git.run(['ls-files', '-z', '--', `:(top,literal)${each}`])) !== '';
      if (!tracked) return JSON.stringify(each);
      clear.add(each);
      // A tracked file makes way for a folder, so nothing is below it.
      if (!isFolder) break;
    }
  }
  return null;
}

/** The folders of a path, from the outermost on. */
const foldersAbove = (name: string): string[] =>
  name
    .split('/')
    .slice(0, -1)
    .map((_, index, folders) => folders.slice(0, index + 1).join('/'));

/** Another Git holds the index for moments; a lock that is older has lost its process. */
const LOCK_MS = 60_000;

async function notWritten(git: Git, branch: string, result: GitResult): Promise<Error> {
  const lock = /Unable to create '(.+\.lock)'/.exec(result.stderr)?.[1];
  const since = lock === undefined ? undefined : (await stat(lock).catch(() => null))?.mtimeMs;
  if (lock !== undefined && (since === undefined || Date.now() - since < LOCK_MS))
    return new GitFailed('read-tree', result);
  if (lock !== undefined)
    return refused(
      `${branch} is checked out in ${stripControl(git.directory)}, and another Git has held ${stripControl(lock)} for more than a minute. ` +
        `Nothing was changed. If no Git runs there, remove the file (rm ${shellQuote(lock)}) and run the update again.`,
    );
  return cannotMove(git, branch, tail(gitMessage(result.stderr), { lines: 20, bytes: 2048 }));
}

const cannotMove = (git: Git, branch: string, why: string): ApplicationFailure =>
  refused(
    `${branch} is checked out in ${stripControl(git.directory)} and cannot be moved there. Nothing was changed. Commit or stash ` +
      `your changes, or land on a branch (--land branch). Git said:\n${why}`,
  );
