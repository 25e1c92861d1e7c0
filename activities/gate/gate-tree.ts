import { cancellationSignal } from '@temporalio/activity';
import { appendFile, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from '../../host/files.js';
import { timeLimit } from '../../host/time-limit.js';
import { gitMessage, openGit, type Git } from '../git/git.js';
import { SCRATCH } from '../git/mirror.js';
import { removeTree } from '../files/remove-tree.js';
import { walkTree } from '../files/walk-tree.js';
import { gitOver } from '../sandbox/own-tree.js';

/**
 * Makes a repository with a commit of the mirror checked out. It borrows the mirror's objects and has no remote: what a
 * gate's command does with it reaches nobody. It lies beside the record of the gate, for it has to outlive the worker.
 */
export async function makeGateTree(mirror: string, commit: string, directory: string): Promise<void> {
  await removeTree(directory);
  await makeFolder(directory);
  const git = openGit(directory);
  await git.run(['init', '--quiet', '--template=']);
  await writeFile(path.join(directory, '.git', 'objects', 'info', 'alternates'), `${path.join(mirror, 'objects')}\n`);
  await git.run(['checkout', '--quiet', '--detach', commit]);
}

/** Tracked files that differ from the commit; what changed in them is put at the end of the log. */
export const changedFiles = (directory: string, log: string): Promise<readonly string[]> =>
  changedIn(openGit(directory), 'HEAD', log);

/** Git needs no longer for any tree that keeps to an agent's limits. */
const LOOK_MS = 600_000;

/** The same of a tree in which a command of an agent's could do what it wanted: nothing of its own repository is read. */
export async function changedFilesOf(
  mirror: string,
  commit: string,
  directory: string,
  log: string,
): Promise<readonly string[]> {
  await removeTree(path.join(directory, '.git'));
  await walkTree(directory, () => true, { unlock: true });
  const scratch = await mkdtemp(`${mirror}${SCRATCH}`);
  try {
    const objects = path.join(scratch, 'objects');
    await mkdir(objects);
    const signal = AbortSignal.any([cancellationSignal(), timeLimit(LOOK_MS)]);
    const git = gitOver(directory, { mirror, index: path.join(scratch, 'index'), objects, signal });
    await git.run(['read-tree', commit]);
    return await changedIn(git, commit, log);
  } finally {
    await removeTree(scratch);
  }
}

async function changedIn(git: Git, commit: string, log: string): Promise<readonly string[]> {
  // Into a repository in the place of a folder Git would look with that one's own settings.
  const diff = ['diff', '--no-ext-diff', '--no-textconv', '--ignore-submodules=all'];
  const names = (await git.run([...diff, '--name-only', '-z', commit])).split('\0').filter(Boolean);
  if (names.length > 0) {
    // Changes that Git cannot show, or too many for a log, are changes all the same.
    const { exitCode, stdout, stderr } = await git.attempt([...diff, '--no-color', commit]);
    const changes = exitCode === 0 ? stdout : `${gitMessage(stderr)}\n`;
    await appendFile(log, `\n== lockkeeper: files that the command has changed ==\n${changes}`);
  }
  return names;
}
