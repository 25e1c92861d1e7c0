import { mkdtemp, readFile, readdir, rename, rm, utimes } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from '../../host/files.js';
import { repositoryKey } from '../../model/run/keys.js';
import type { Repository } from '../../model/run/options.js';
import type { ActivityEnvironment } from '../environment.js';
import { removeTree } from '../files/remove-tree.js';
import { isDirectory, openGit, type Git } from './git.js';
import { exclusively } from './mutex.js';
import { fetchFailure } from './remote-failure.js';
import { removeStaleLocks, removeUnfinished } from './stale-locks.js';
import { openRemoteGit, REMOTE } from './transport.js';

/** Names of things that are removed when a worker starts: clones that are not finished, scratch folders, work trees. */
export const PARTIAL = '.partial-';
export const SCRATCH = '.scratch-';
export const WORK_TREE = 'tree-';

/**
 * Everything that the remote has, and nothing that a forge adds to it (`refs/pull/*`). `refs/lockkeeper/*` is ours: it
 * holds the commits of runs, whatever the remote does to its branches.
 */
const REFSPECS = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'];

/** Path of a repository's bare mirror on this machine, whether it is there or not. */
export const mirrorPath = (env: ActivityEnvironment, repository: Repository): string =>
  path.join(env.state.mirrors, `${repositoryKey(repository)}.git`);

/** The ref that keeps a commit in the mirror and lets Nix name it. */
export const commitRef = (commit: string): string => `refs/lockkeeper/${commit}`;

async function fetchAll(directory: string, repository: Repository): Promise<void> {
  const git = await openRemoteGit(directory, repository);
  const result = await git.attempt(['fetch', '--quiet', '--prune', '--no-tags', '--force', REMOTE, ...REFSPECS]);
  if (result.exitCode === 0) return;
  await removeUnfinished(directory);
  throw fetchFailure(repository, result);
}

/** Mirrors that this process has made or looked at: a disk that was cut off from power is found at the first look. */
const soundMirrors = new Set<string>();

/** Clones beside the mirror and renames, so that a clone that was killed never looks like a mirror. */
async function clone(env: ActivityEnvironment, repository: Repository): Promise<void> {
  const mirror = mirrorPath(env, repository);
  await makeFolder(env.state.mirrors);
  const partial = await mkdtemp(`${mirror}${PARTIAL}`);
  try {
    const git = openGit(partial);
    await git.run(['init', '--quiet', '--bare', '--template=', `--initial-branch=${repository.mainBranch}`]);
    await fetchAll(partial, repository);
    await rename(partial, mirror);
    soundMirrors.add(mirror);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** Whether Git takes the folder itself for a repository: one that was half written to disk is made again. */
async function isMirror(directory: string): Promise<boolean> {
  if (!(await isDirectory(directory))) return false;
  if (soundMirrors.has(directory) && (await isDirectory(path.join(directory, 'objects')))) return true;
  const result = await openGit(directory).attempt(['rev-parse', '--absolute-git-dir']);
  const sound = result.exitCode === 0 && path.basename(result.stdout.trim()) === path.basename(directory);
  if (sound) soundMirrors.add(directory);
  return sound;
}

/**
 * Makes the mirror when it is not there. Call it under the mirror's mutex; gives whether it was just made.
 * The time of its folder is that of its newest use: see `pruneMirror`.
 */
async function ensure(env: ActivityEnvironment, repository: Repository): Promise<boolean> {
  const mirror = mirrorPath(env, repository);
  if (await isMirror(mirror)) {
    const now = new Date();
    await utimes(mirror, now, now);
    return false;
  }
  await rm(mirror, { recursive: true, force: true });
  await clone(env, repository);
  return true;
}

/**
 * The path of the repository's mirror, cloned when this machine has none; not brought up to date otherwise.
 * Throws `RemoteUnreachable` (retryable where the network may be to blame), `NotAGitRepository`, `TokenFile`.
 */
export async function ensureMirror(env: ActivityEnvironment, repository: Repository): Promise<string> {
  const mirror = mirrorPath(env, repository);
  await exclusively(mirror, () => ensure(env, repository));
  return mirror;
}

/** The path of the mirror, with the branches and tags that the remote has now. Fails as `ensureMirror` does. */
export async function fetchMirror(env: ActivityEnvironment, repository: Repository): Promise<string> {
  const mirror = mirrorPath(env, repository);
  await exclusively(mirror, async () => {
    if (await ensure(env, repository)) return;
    await removeStaleLocks(mirror);
    await removeUnfinished(mirror);
    await fetchAll(mirror, repository);
  });
  return mirror;
}

/** Whether a ref of a mirror is at a commit that is there. Asked before each evaluation, so that Git is only run for packed refs. */
export async function refIsAt(git: Git, ref: string, commit: string): Promise<boolean> {
  const loose = await readFile(path.join(git.directory, ref), 'utf8').catch(() => '');
  if (loose.trim() === commit) return true;
  const result = await git.attempt(['rev-parse', '--verify', '--quiet', `${ref}^{commit}`]);
  return result.exitCode === 0 && result.stdout.trim() === commit;
}

export async function hasCommit(git: Git, commit: string): Promise<boolean> {
  return (await git.attempt(['cat-file', '-e', `${commit}^{commit}`])).exitCode === 0;
}

const matching = async (directory: string, wanted: (name: string) => boolean): Promise<string[]> =>
  (await readdir(directory).catch(() => [])).filter(wanted).map((name) => path.join(directory, name));

/**
 * Removes what a killed worker left: work trees, clones and bundles that were not finished. To be called when a worker
 * starts, before it takes tasks: one worker serves a state directory, so nobody else can be using them.
 */
export async function sweepWorkTrees(env: ActivityEnvironment): Promise<void> {
  const { mirrors, work } = env.state;
  const leftOvers = [
    ...(await matching(work, (name) => name.startsWith(WORK_TREE))),
    ...(await matching(mirrors, (name) => name.includes(PARTIAL) || name.includes(SCRATCH))),
  ];
  for (const each of leftOvers) await removeTree(each);
  for (const mirror of await matching(mirrors, (name) => name.endsWith('.git'))) {
    await rm(path.join(mirror, 'worktrees'), { recursive: true, force: true });
  }
}
