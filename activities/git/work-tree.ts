import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from '../../host/files.js';
import type { Repository } from '../../model/run/options.js';
import type { ActivityEnvironment } from '../environment.js';
import { removeTree } from '../files/remove-tree.js';
import { openGit } from './git.js';
import { mirrorPath, WORK_TREE } from './mirror.js';
import { exclusively } from './mutex.js';

/**
 * Runs `work` in a detached work tree of a commit that the mirror has, and removes the tree however `work` ends. Each has a
 * name of its own, so that a repeat never meets what a killed one left; the next start of a worker sweeps that.
 * @param label for people who look into the state directory
 * @param work begins at once, and has to wait for `made` before it looks at the tree
 */
export async function withWorkTree<T>(
  env: ActivityEnvironment,
  repository: Repository,
  commit: string,
  label: string,
  work: (directory: string, made: Promise<unknown>) => Promise<T>,
): Promise<T> {
  const mirror = mirrorPath(env, repository);
  const name = `${WORK_TREE}${label.replace(/[^A-Za-z0-9_-]+/g, '-')}-${process.pid}-${randomBytes(6).toString('hex')}`;
  const directory = path.join(env.state.work, name);
  await makeFolder(env.state.work);
  const made = exclusively(mirror, () =>
    openGit(mirror).run(['worktree', 'add', '--quiet', '--detach', directory, commit]),
  );
  const working = work(directory, made);
  try {
    const [done] = await Promise.all([working, made]);
    return done;
  } finally {
    await Promise.allSettled([working, made]);
    await rm(directory, { recursive: true, force: true });
    // By hand rather than by Git, which a cancelled activity could not start any more.
    await rm(path.join(mirror, 'worktrees', name), { recursive: true, force: true });
  }
}

/**
 * Runs `work` with an empty folder that nobody but the worker's user can look into, and removes it however `work` ends. The
 * next start of a worker sweeps what a killed one left.
 * @param label for people who look into the state directory
 * @param beside is given the removal, which may take long, and has to wait for it; default: it is waited for here
 */
export async function withPrivateFolder<T>(
  env: ActivityEnvironment,
  label: string,
  work: (directory: string) => Promise<T>,
  beside?: (removal: Promise<void>) => void,
): Promise<T> {
  await makeFolder(env.state.work);
  const directory = await mkdtemp(path.join(env.state.work, `${WORK_TREE}${label}-${process.pid}-`));
  try {
    return await work(directory);
  } finally {
    const removal = removeTree(directory);
    if (beside === undefined) await removal;
    else beside(removal);
  }
}
