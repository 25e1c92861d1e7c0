import { ApplicationFailure } from '@temporalio/common';
import type { FailureType } from '../../model/failures.js';
import { parseFlakeLock } from '../../model/flake-lock/parse.js';
import { FlakeLockError, type FlakeLock } from '../../model/flake-lock/types.js';
import type { Repository } from '../../model/run.js';
import type { Git } from './git.js';

/** Path of a file beside `flake.nix`, from the root of the repository. */
export const flakeFile = (repository: Repository, name: string): string =>
  repository.dir === '' ? name : `${repository.dir}/${name}`;

/** Content of a file at a commit; `null` when there is no such file. */
export async function fileAt(git: Git, commit: string, file: string): Promise<string | null> {
  const result = await git.attempt(['cat-file', 'blob', `${commit}:${file}`]);
  return result.exitCode === 0 ? result.stdout : null;
}

/**
 * The lock of the flake at a commit.
 * Throws a non-retryable `LockUnreadable` failure, with the way out, when it is missing or Nix could not read it.
 */
export async function lockAt(git: Git, repository: Repository, commit: string): Promise<FlakeLock> {
  const file = flakeFile(repository, 'flake.lock');
  const text = await fileAt(git, commit, file);
  try {
    return parseFlakeLock(text);
  } catch (error) {
    if (!(error instanceof FlakeLockError)) throw error;
    throw ApplicationFailure.nonRetryable(
      `${file} at commit ${commit.slice(0, 12)} of ${repository.displayUrl}: ${error.message}`,
      'LockUnreadable' satisfies FailureType,
    );
  }
}

const unsupported = (type: FailureType, message: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(message, type);

/**
 * Refuses, by name and before anything is built, what a flake in a bare mirror cannot have: no `flake.nix` in its folder
 * (`NoFlake`), an unreadable lock (`LockUnreadable`), submodules (`SubmodulesUnsupported`), files in Git LFS
 * (`LfsUnsupported`).
 */
export async function checkFlake(git: Git, repository: Repository, commit: string): Promise<void> {
  const where = `commit ${commit.slice(0, 12)} of ${repository.mainBranch} in ${repository.displayUrl}`;
  const attributes = ':(glob)**/.gitattributes';
  const [flake, modules, found, lockFault] = await Promise.all([
    fileAt(git, commit, flakeFile(repository, 'flake.nix')),
    fileAt(git, commit, '.gitmodules'),
    git.attempt(['grep', '-l', '-z', '-E', '-e', '^[^#]*filter=lfs', commit, '--', attributes]),
    // Without a flake.nix the lock is none of the reasons.
    lockAt(git, repository, commit).then(
      () => null,
      (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
    ),
  ]);
  if (flake === null) {
    throw unsupported(
      'NoFlake',
      `There is no ${flakeFile(repository, 'flake.nix')} at ${where}. ` +
        'Commit and push it, or name its folder: FLAKE?dir=FOLDER.',
    );
  }
  if (lockFault !== null) throw lockFault;
  if (modules !== null && /^\s*\[submodule\b/m.test(modules)) {
    throw unsupported(
      'SubmodulesUnsupported',
      `${where} has Git submodules (.gitmodules), which Lockkeeper does not support. ` +
        'Make them inputs of the flake instead, for example with url = "git+https://…" and flake = false.',
    );
  }
  const file = found.stdout.split('\0')[0]?.slice(commit.length + 1) ?? '';
  if (file !== '') {
    throw unsupported(
      'LfsUnsupported',
      `${where} keeps files in Git LFS (${JSON.stringify(file)} says filter=lfs), which Lockkeeper does not support: ` +
        'Nix would build the pointers instead of the files. Fetch large files with a fetcher of Nix instead.',
    );
  }
}
