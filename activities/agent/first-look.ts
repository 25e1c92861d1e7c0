import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { formatSize } from '../../model/text/size.js';
import { walkTree } from '../files/walk-tree.js';
import type { GitOver } from '../sandbox/own-tree.js';
import { isRuleFile } from './judged-by.js';

/** Why a change is not even looked at, and the files that are to blame. */
export interface Unseen {
  readonly reason: string;
  readonly files: readonly string[];
}

/** What Git must not see before it was looked at. Paths from the root of the tree, sorted. */
export interface FirstLook {
  /** Repositories, into which Git looks with their own configuration. */
  readonly nested: readonly string[];
  readonly rules: readonly string[];
}

/** Paths of one sort that are kept: nobody has so many. */
const MOST_NAMED = 2000;

/** Bytes of new text that are looked at. A person who approves a change reads less. */
const MOST_BYTES = 16 * 1024 ** 2;

/** Bytes of names of new files. */
const MOST_NAMES = 1024 ** 2;

/** Counts what a folder holds, before it is read; makes its files readable. @param most files and folders */
export async function firstLook(tree: string, most: number): Promise<FirstLook | Unseen> {
  const nested: string[] = [];
  const rules: string[] = [];
  let left = most;
  const end = await walkTree(
    tree,
    ({ name, path: place }) => {
      const own = name.toString('latin1');
      if (own.toLowerCase() === '.git') nested.push(place());
      if (isRuleFile(own)) rules.push(place());
      left -= 1;
      return left >= 0 && nested.length < MOST_NAMED && rules.length < MOST_NAMED;
    },
    { unlock: true },
  );
  if (end === 'too-deep') return { reason: 'holds folders that lie too deep in one another', files: [] };
  if (left < 0) return { reason: `holds more than ${most} files and folders`, files: [] };
  if (rules.length >= MOST_NAMED)
    return { reason: `holds ${MOST_NAMED} files which Git would use to judge the change, or more`, files: rules };
  return { nested: nested.sort(), rules: rules.sort() };
}

/**
 * Whether Git can read a change in a short time: counted by names and sizes, before Git reads a file.
 * @param among pathspecs of what belongs to the change
 * @returns why it cannot; `null` when it can
 */
export async function tooMuch(git: GitOver, commit: string, among: readonly string[]): Promise<Unseen | null> {
  const { stdout: listed, flooded } = await git.bounded(
    ['ls-files', '--others', '--exclude-standard', '-z', '--', ...among],
    MOST_NAMES,
  );
  if (flooded) return { reason: 'adds more files than can be looked at', files: [] };
  const sizes = new Map<string, number>();
  for (const file of listed.split('\0')) if (file !== '') sizes.set(file, 0);
  // `MODE TYPE OBJECT SIZE<tab>PATH`: git-ls-tree(1).
  for (const entry of (await git.run(['ls-tree', '-r', '-l', '-z', '--full-tree', commit])).split('\0')) {
    const [, size, file] = /^\S+ \S+ \S+ +(\d+)\t(.*)$/s.exec(entry) ?? [];
    if (file !== undefined) sizes.set(file, Number(size));
  }
  let bytes = 0;
  const grown: string[] = [];
  for (const [file, before] of sizes) {
    const found = await lstat(path.join(git.directory, file)).catch(() => null);
    if (found?.isFile() !== true || found.size <= before) continue;
    bytes += found.size - before;
    grown.push(file);
    if (bytes > MOST_BYTES)
      return { reason: `adds more than ${formatSize(MOST_BYTES)}, which nobody can review: ${file}`, files: grown };
  }
  return null;
}
