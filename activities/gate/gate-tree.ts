import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { openGit } from '../git/git.js';
import { removeTree } from '../remove-tree.js';

/**
 * Makes a repository with a commit of the mirror checked out. It borrows the mirror's objects and has no remote: what a
 * gate's command does with it reaches nobody. It lies beside the record of the gate, for it has to outlive the worker.
 */
export async function makeGateTree(mirror: string, commit: string, directory: string): Promise<void> {
  await removeTree(directory);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const git = openGit(directory);
  await git.run(['init', '--quiet', '--template=']);
  await writeFile(path.join(directory, '.git', 'objects', 'info', 'alternates'), `${path.join(mirror, 'objects')}\n`);
  await git.run(['checkout', '--quiet', '--detach', commit]);
}

/** Tracked files that differ from the commit; what changed in them is put at the end of the log. */
export async function changedFiles(directory: string, log: string): Promise<readonly string[]> {
  const git = openGit(directory);
  const names = (await git.run(['diff', '--no-ext-diff', '--name-only', '-z', 'HEAD'])).split('\0').filter(Boolean);
  if (names.length > 0) {
    const changes = await git.run(['diff', '--no-ext-diff', '--no-color', 'HEAD']);
    await appendFile(log, `\n== lockkeeper: files that the command has changed ==\n${changes}`);
  }
  return names;
}
