import { finalFailure } from '../../model/run/failures.js';
import { parseFlakeLock } from '../../model/flake-lock/parse.js';
import { FlakeLockError, type FlakeLock } from '../../model/flake-lock/types.js';
import type { Repository } from '../../model/run/options.js';
import { formatSize } from '../../model/text/size.js';
import { followLinks, type Followed } from './follow-links.js';
import type { Git } from './git.js';

/** Path of a file beside `flake.nix`, from the root of the repository. */
export const flakeFile = (repository: Repository, name: string): string =>
  repository.dir === '' ? name : `${repository.dir}/${name}`;

/** Content of a file at a commit, of a link its own text; `null` when there is no such file. */
export async function fileAt(git: Git, commit: string, file: string): Promise<string | null> {
  const result = await git.attempt(['cat-file', 'blob', `${commit}:${file}`]);
  return result.exitCode === 0 ? result.stdout : null;
}

/** The lock of a flake with a thousand inputs has less than 1 MiB. */
const FILE_BYTES = 16 * 1024 * 1024;

/** Refuses a file that is too large to be read as `NoFlake` or `LockUnreadable`. */
function checkSize(commit: string, { path: file, size }: Extract<Followed, { kind: 'found' }>): void {
  if (size <= FILE_BYTES) return;
  throw finalFailure(
    file.endsWith('.lock') ? 'LockUnreadable' : 'NoFlake',
    `${file} at commit ${commit.slice(0, 12)} has ${formatSize(size)}, and ${formatSize(FILE_BYTES)} are read of such a file. ` +
      'Commit a smaller one.',
  );
}

/** Text of the file behind a path at a commit, links followed; `null` when there is none. */
export const textOf = async (git: Git, commit: string, followed: Followed): Promise<string | null> =>
  followed.kind === 'found' ? fileAt(git, commit, followed.path) : null;

/**
 * Where one of the flake's files is at a commit, links within the repository followed.
 * @param file its path from the root of the repository
 * @throws non-retryable `NoFlake` or `LockUnreadable`, with the way out, for a link that leads to nothing in the repository
 */
export async function findFile(
  git: Git,
  { displayUrl }: Repository,
  commit: string,
  file: string,
): Promise<Exclude<Followed, { kind: 'astray' }>> {
  const followed = await followLinks(git, commit, file);
  if (followed.kind !== 'astray') return followed;
  throw finalFailure(
    file.endsWith('flake.nix') ? 'NoFlake' : 'LockUnreadable',
    `${file} at commit ${commit.slice(0, 12)} of ${displayUrl} cannot be read: ${followed.why}. ` +
      'Let the link lead to a file that is committed in the repository, or commit the file itself in its place.',
  );
}

/** Text of a file beside `flake.nix` at a commit; `null` when there is none. Throws what `findFile` and `checkSize` throw. */
export async function flakeText(
  git: Git,
  repository: Repository,
  commit: string,
  name: 'flake.nix' | 'flake.lock',
): Promise<string | null> {
  const followed = await findFile(git, repository, commit, flakeFile(repository, name));
  if (followed.kind === 'found') checkSize(commit, followed);
  return textOf(git, commit, followed);
}

/** The lock of the flake at a commit. @throws non-retryable `LockUnreadable` when it is missing or unreadable */
export async function lockAt(git: Git, repository: Repository, commit: string): Promise<FlakeLock> {
  const text = await flakeText(git, repository, commit, 'flake.lock');
  try {
    return parseFlakeLock(text);
  } catch (error) {
    if (!(error instanceof FlakeLockError)) throw error;
    throw finalFailure(
      'LockUnreadable',
      `${flakeFile(repository, 'flake.lock')} at commit ${commit.slice(0, 12)} of ${repository.displayUrl}: ${error.message}`,
    );
  }
}

/**
 * Refuses, by name and before anything is built, what a flake in a bare mirror cannot have: no `flake.nix` in its folder, or
 * a link in the place of the folder (`NoFlake`), an unreadable lock (`LockUnreadable`), submodules (`SubmodulesUnsupported`), files in Git LFS
 * (`LfsUnsupported`).
 * @param branch the branch that people know the commit by, if any
 */
export async function checkFlake(
  git: Git,
  repository: Repository,
  commit: string,
  branch: string | null = repository.mainBranch,
): Promise<void> {
  const where = `commit ${commit.slice(0, 12)}${branch === null ? '' : ` of ${branch}`} in ${repository.displayUrl}`;
  const attributes = ':(glob)**/.gitattributes';
  await refuseLinkedFolder(git, repository, commit, where);
  const [flake, modules, found, lockFault] = await Promise.all([
    flakeText(git, repository, commit, 'flake.nix'),
    fileAt(git, commit, '.gitmodules'),
    git.attempt(['grep', '-l', '-z', '-E', '-e', '^[^#]*filter=lfs', commit, '--', attributes]),
    // Without a flake.nix the lock is none of the reasons.
    lockAt(git, repository, commit).then(
      () => null,
      (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
    ),
  ]);
  if (flake === null) {
    throw finalFailure(
      'NoFlake',
      `There is no ${flakeFile(repository, 'flake.nix')} at ${where}. ` +
        'Commit and push it, or name its folder: FLAKE?dir=FOLDER.',
    );
  }
  if (lockFault !== null) throw lockFault;
  if (modules !== null && /^\s*\[submodule\b/m.test(modules)) {
    throw finalFailure(
      'SubmodulesUnsupported',
      `${where} has Git submodules (.gitmodules), which Lockkeeper does not support. ` +
        'Make them inputs of the flake instead, for example with url = "git+https://…" and flake = false.',
    );
  }
  const file = found.stdout.split('\0')[0]?.slice(commit.length + 1) ?? '';
  if (file !== '') {
    throw finalFailure(
      'LfsUnsupported',
      `${where} keeps files in Git LFS (${JSON.stringify(file)} says filter=lfs), which Lockkeeper does not support: ` +
        'Nix would build the pointers instead of the files. Fetch large files with a fetcher of Nix instead.',
    );
  }
}

/** Newer versions of Nix look into a folder only under its own name: they refuse the link, or see no lock behind it. */
async function refuseLinkedFolder(git: Git, { dir }: Repository, commit: string, where: string): Promise<void> {
  if (dir === '') return;
  const folder = await followLinks(git, commit, dir);
  if (folder.kind !== 'found' || folder.path === dir) return;
  throw finalFailure(
    'NoFlake',
    `The folder ${dir} at ${where} is behind a link, and not every Nix reads a flake there. ` +
      (folder.path === '' ? 'Name the repository without ?dir=.' : `Name the folder itself: FLAKE?dir=${folder.path}.`),
  );
}
