import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Git } from './git.js';

export type Unfinished = 'rebase' | 'am' | 'bisect' | 'merge' | 'cherry-pick' | 'revert';

/** A work tree that needs a branch to stay where it is. */
export interface BranchUse {
  readonly folder: string;
  /** What was begun there and not ended; `null` when the branch is just checked out. */
  readonly unfinished: Unfinished | null;
}

interface WorkTree {
  readonly folder: string;
  /** Where Git keeps what belongs to this work tree alone. */
  readonly gitDirectory: string;
}

const exists = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  );

const textOf = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');

/** The first work tree of a repository; `null` where it is bare. */
async function firstWorkTree(git: Git, common: string): Promise<WorkTree | null> {
  const env = { GIT_DIR: common };
  if ((await git.run(['rev-parse', '--is-bare-repository'], { env })).trim() === 'true') return null;
  const configured = (await git.attempt(['config', '--local', 'core.worktree'], { env })).stdout.trim();
  const own = (await git.run(['rev-parse', '--absolute-git-dir'])).trim() === common;
  const folder =
    configured !== ''
      ? path.resolve(common, configured)
      : own
        ? (await git.run(['rev-parse', '--show-toplevel'])).replace(/\n$/, '')
        : path.dirname(common);
  return { folder, gitDirectory: common };
}

/** Work trees that were added, without those whose folder is gone or on a disk that is not there: nobody works in them. */
async function linkedWorkTrees(common: string): Promise<readonly WorkTree[]> {
  const names = await readdir(path.join(common, 'worktrees')).catch(() => []);
  const found = await Promise.all(
    names.map(async (name) => {
      const gitDirectory = path.join(common, 'worktrees', name);
      const link = path.resolve(gitDirectory, (await textOf(path.join(gitDirectory, 'gitdir'))).replace(/\n$/, ''));
      return (await exists(link)) ? [{ folder: path.dirname(link), gitDirectory }] : [];
    }),
  );
  return found.flat();
}

/** What was begun in a work tree and moves, or will move, a branch when it ends. */
async function unfinishedWith(
  git: Git,
  { gitDirectory }: WorkTree,
  branch: string,
  checkedOut: boolean,
): Promise<Unfinished | null> {
  const text = (name: string): Promise<string> => textOf(path.join(gitDirectory, name));
  const ref = `refs/heads/${branch}`;
  // A rebase detaches HEAD and comes back to the branch; with --update-refs it moves others as well.
  const rebased = [await text('rebase-merge/head-name'), await text('rebase-apply/head-name')].map((name) =>
    name.trim(),
  );
  if (rebased.includes(ref) || (await text('rebase-merge/update-refs')).split('\n').includes(ref)) return 'rebase';
  if ((await text('BISECT_START')).trim() === branch) return 'bisect';
  if (!checkedOut) return null;
  if (await exists(path.join(gitDirectory, 'rebase-apply', 'applying'))) return 'am';
  const heads = { MERGE_HEAD: 'merge', CHERRY_PICK_HEAD: 'cherry-pick', REVERT_HEAD: 'revert' } as const;
  for (const [head, what] of Object.entries(heads)) {
    const found = await git.attempt(['rev-parse', '--verify', '--quiet', head], { env: { GIT_DIR: gitDirectory } });
    if (found.exitCode === 0) return what;
  }
  // Between two commits of a series.
  const todo = await text('sequencer/todo');
  return todo === '' ? null : todo.startsWith('revert') ? 'revert' : 'cherry-pick';
}

/** The work trees that have a branch checked out, or come back to it from something unfinished. Only reads. */
export async function branchUses(git: Git, branch: string): Promise<readonly BranchUse[]> {
  const common = path.resolve(git.directory, (await git.run(['rev-parse', '--git-common-dir'])).replace(/\n$/, ''));
  const first = await firstWorkTree(git, common);
  const trees = [...(first === null ? [] : [first]), ...(await linkedWorkTrees(common))];
  const uses = await Promise.all(
    trees.map(async (tree) => {
      const head = await git.attempt(['symbolic-ref', '--quiet', 'HEAD'], { env: { GIT_DIR: tree.gitDirectory } });
      const checkedOut = head.stdout.trim() === `refs/heads/${branch}`;
      const unfinished = await unfinishedWith(git, tree, branch, checkedOut);
      return checkedOut || unfinished !== null ? [{ folder: tree.folder, unfinished }] : [];
    }),
  );
  return uses.flat();
}
