import { lstat, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Git } from '../git/git.js';
import { fileAt } from '../git/flake-files.js';

/** Files by which Git decides what belongs to a change, and what of it is text. */
const RULES = new Set(['.gitattributes', '.gitignore']);

/** Whether Git takes a file of this name for rules. */
export const isRuleFile = (file: string): boolean => RULES.has(path.basename(file));

/**
 * Rule files that an agent has added, changed or removed, from the root of the tree, sorted. A change would be judged by them, and
 * they may hide themselves: no list of changed files has them then.
 * @param commit whose rules hold
 * @param found rule files that are in the tree now
 */
export async function changedRules(
  git: Git,
  commit: string,
  tree: string,
  found: readonly string[],
): Promise<readonly string[]> {
  const listed = await git.run(['ls-tree', '-r', '-z', '--name-only', '--full-tree', commit]);
  const all = new Set([...listed.split('\0').filter(isRuleFile), ...found]);
  const changed = await Promise.all(
    [...all].sort().map(async (file) => ((await isSame(git, commit, tree, file)) ? [] : [file])),
  );
  return changed.flat();
}

/** Bytes of a file with rules. */
const MOST_RULES = 1024 ** 2;

/** A checkout may have other line ends than the commit. */
async function isSame(git: Git, commit: string, tree: string, file: string): Promise<boolean> {
  const place = path.join(tree, file);
  const kind = await lstat(place).catch(() => null);
  if (kind?.isFile() !== true || kind.size > MOST_RULES) return false;
  const [now, before] = await Promise.all([readFile(place, 'utf8'), fileAt(git, commit, file)]);
  return before !== null && now.replaceAll('\r\n', '\n') === before.replaceAll('\r\n', '\n');
}
