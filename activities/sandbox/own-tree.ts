import path from 'node:path';
import { makeFolder } from '../../host/files.js';
import { ownGitEnvironment } from '../../model/git/environment.js';
import { gitFailure, openGit, type Git } from '../git/git.js';
import { commitRef } from '../git/mirror.js';
import { launch } from '../command/launcher.js';
import type { Finished } from '../command/process.js';
import { removeTree } from '../files/remove-tree.js';

/** Commits of the history that can be looked back on. */
const DEPTH = 50;

/**
 * Makes a repository of its own for an agent, or for what an agent wrote, with a commit of the mirror checked out. It has no
 * objects but those of the commit and its newest ancestors, and no remote, so that nothing that is done with it reaches the
 * mirror or anybody else.
 */
export async function makeOwnTree(mirror: string, commit: string, directory: string): Promise<void> {
  await removeTree(directory);
  await makeFolder(directory);
  const git = openGit(directory);
  await git.run(['init', '--quiet', '--template=', '--initial-branch=main']);
  const from = ['--no-tags', '--no-write-fetch-head', `--depth=${DEPTH}`, '--', mirror, commitRef(commit)];
  await git.run(['fetch', '--quiet', ...from]);
  // For an agent that commits: its home holds no configuration.
  await git.run(['config', 'user.name', 'Agent']);
  await git.run(['config', 'user.email', 'agent@localhost']);
  await git.run(['reset', '--quiet', '--hard', commit]);
}

/** Git for what was left in such a folder. It reads no settings of the repository there; objects go to `objects`. */
export function gitOver(tree: string, { mirror, index, objects, signal }: Over): GitOver {
  const env = ownGitEnvironment(
    process.env,
    [
      ['core.fileMode', 'true'],
      ['core.symlinks', 'true'],
      ['core.quotePath', 'false'],
      ['diff.renames', 'false'],
      // The mirror is, and a work tree is put over it here.
      ['core.bare', 'false'],
    ],
    {
      GIT_DIR: mirror,
      GIT_WORK_TREE: tree,
      GIT_INDEX_FILE: index,
      GIT_OBJECT_DIRECTORY: objects,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: path.join(mirror, 'objects'),
    },
  );
  return {
    ...openGit(tree, env, signal),
    bounded: async (args, maxOutput) => {
      const finished = await launch('git', args, { cwd: tree, env, maxOutput, signal });
      if (finished.exitCode === 0 || finished.flooded) return finished;
      throw gitFailure(args[0] ?? '', { ...finished, exitCode: finished.exitCode ?? ENDED_BY_SIGNAL });
    },
  };
}

/** As a shell says it of SIGKILL. */
const ENDED_BY_SIGNAL = 137;

interface Over {
  readonly mirror: string;
  readonly index: string;
  readonly objects: string;
  /** Ends each of its commands. */
  readonly signal: AbortSignal;
}

export interface GitOver extends Git {
  /** As `run`, with so many characters of output at most; `flooded` when there would have been more. */
  readonly bounded: (args: readonly string[], maxOutput: number) => Promise<Pick<Finished, 'stdout' | 'flooded'>>;
}
