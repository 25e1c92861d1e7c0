import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Environment } from '../../model/git/environment.js';
import { openGit, type Git } from './git.js';
import { SCRATCH } from './mirror.js';

/** A file that a Git filter makes another one in checkouts. */
export interface FilteredFile {
  /** From the root of the repository. */
  readonly file: string;
  /** Name of the filter, such as `git-crypt`. */
  readonly filter: string;
}

/**
 * The files of a commit that stand behind a filter of `.gitattributes`, Git LFS left out: Nix reads them as they are committed.
 * Attributes are read through an index of our own, because not every Git reads them out of a commit.
 * @param mirror path of the bare mirror, which has the commit
 */
export async function filteredFiles(mirror: string, commit: string): Promise<readonly FilteredFile[]> {
  const git = openGit(mirror);
  // Most repositories have none, and pay for this search alone.
  const search = ['grep', '-q', '-E', '-e', '^[^#]*filter=', commit, '--', ':(glob)**/.gitattributes'];
  if ((await git.attempt(search)).exitCode !== 0) return [];
  const scratch = await mkdtemp(`${mirror}${SCRATCH}`);
  try {
    return await readAttributes(git, commit, { GIT_INDEX_FILE: path.join(scratch, 'index') });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function readAttributes(git: Git, commit: string, env: Environment): Promise<readonly FilteredFile[]> {
  await git.run(['read-tree', commit], { env });
  const files = await git.run(['ls-files', '-z'], { env });
  const answer = await git.run(['check-attr', '--cached', '--stdin', '-z', 'filter'], { env, input: files });
  const fields = answer.split('\0');
  const found: FilteredFile[] = [];
  // Three fields a file: its path, the attribute, its value.
  for (let at = 0; at + 2 < fields.length; at += 3) {
    const [file = '', , filter = ''] = fields.slice(at, at + 3);
    if (!NO_FILTER.has(filter)) found.push({ file, filter });
  }
  return found;
}

/** What Git answers where no filter is named, and the filter that stores pointers. */
const NO_FILTER: ReadonlySet<string> = new Set(['unspecified', 'unset', 'set', 'lfs']);
