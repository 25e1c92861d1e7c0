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
  const listedFiles = listed.split('\0').filter((file) => file !== '');
  const all = new Set([...listedFiles.filter(isRuleFile), ...found]);
  const changed = await Promise.all(
    [...all].sort().map(async (file) => ((await isSame(git, commit, tree, file)) ? [] : [file])),
  );
  return await ruling(git, changed.flat(), listedFiles);
}

/**
 * Those of the changed rule files that rule over anything. Tools keep caches that ignore themselves (`.direnv/.gitignore`): what lies
 * below a folder that the commit's own rules ignore, and of which the commit has nothing, is not part of a change anyway.
 */
async function ruling(git: Git, changed: readonly string[], listed: readonly string[]): Promise<readonly string[]> {
  const foldersOfRules = new Set(changed.map((file) => path.dirname(file)));
  const isJudgedByCommit = (folder: string): boolean => !foldersAbove(folder).some((each) => foldersOfRules.has(each));
  const folders = [...new Set(changed.flatMap(foldersAbove))].filter((each) => each !== '.' && isJudgedByCommit(each));
  const own = folders.filter((folder) => !listed.some((file) => file.startsWith(`${folder}/`)));
  if (own.length === 0) return changed;
  const input = own.map((folder) => `${folder}\0`).join('');
  const answer = await git.attempt(['check-ignore', '--no-index', '-z', '--stdin'], { input });
  // Status 1: Git ignores none of them. A path that Git cannot check is not the cache of a tool.
  if (answer.exitCode !== 0) return changed;
  const ignored = new Set(answer.stdout.split('\0'));
  return changed.filter((file) => !foldersAbove(file).some((folder) => ignored.has(folder)));
}

/** The folders above a file or folder, from the nearest one to the root, which is `.` */
function foldersAbove(file: string): readonly string[] {
  const folder = path.dirname(file);
  return folder === '.' ? ['.'] : [folder, ...foldersAbove(folder)];
}

const MOST_RULES = 1024 ** 2;

/** A checkout may have other line ends than the commit. */
async function isSame(git: Git, commit: string, tree: string, file: string): Promise<boolean> {
  const place = path.join(tree, file);
  const kind = await lstat(place).catch(() => null);
  if (kind?.isFile() !== true || kind.size > MOST_RULES) return false;
  const [now, before] = await Promise.all([readFile(place, 'utf8'), fileAt(git, commit, file)]);
  return before !== null && now.replaceAll('\r\n', '\n') === before.replaceAll('\r\n', '\n');
}
