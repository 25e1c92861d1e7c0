import { oneLine } from '../../model/text/one-line.js';
import type { Git } from './git.js';

/** What a path leads to in the tree of a commit. */
export type Followed = {
  /** Files, links and folders that were looked at, from the root of the repository: a change of any may lead elsewhere. */
  readonly way: readonly string[];
} & (
  | {
      readonly kind: 'found';
      /** Of the file or folder itself, from the root of the repository; `''` is the root. */
      readonly path: string;
      /** As Git writes it: `100644`, `100755`, `040000` is a folder. */
      readonly mode: string;
      /** Bytes of the file; 0 of a folder. */
      readonly size: number;
    }
  /** No link is to blame. */
  | { readonly kind: 'missing' }
  | {
      readonly kind: 'astray';
      /** What the last link is, as a sentence without its end. */
      readonly why: string;
    }
);

/** As Linux and Git have it. */
const MOST_LINKS = 40;
const LINK = '120000';
const FOLDER = '040000';

/**
 * Follows links within the tree of a commit, those of folders too, as Nix does in a copy of the tree: one that leaves the
 * repository leads to nothing there.
 * @param commit or a tree
 * @param file from the root of the repository
 */
export async function followLinks(git: Git, commit: string, file: string): Promise<Followed> {
  const plain = await entryAt(git, commit, file);
  if (plain !== null && plain.mode !== LINK)
    return { kind: 'found', path: file, mode: plain.mode, size: plain.size, way: [file] };
  const way: string[] = [];
  let links = 0;
  let last: string | null = null;
  let place: readonly string[] = [];
  let found = { mode: FOLDER, size: 0 };
  const rest = file.split('/');
  const astray = (where: string): Followed => ({ kind: 'astray', why: `${last ?? file}, which ${where}`, way });
  const nothing = (): Followed => (last === null ? { kind: 'missing', way } : astray('does not exist there'));

  for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
    if (found.mode !== FOLDER) return nothing();
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (place.length === 0) return astray('is outside of the repository');
      place = place.slice(0, -1);
      continue;
    }
    const next = [...place, part];
    const path = next.join('/');
    const entry = await entryAt(git, commit, path);
    way.push(path);
    if (entry === null) return nothing();
    if (entry.mode !== LINK) {
      place = next;
      found = entry;
      continue;
    }
    const target = await git.run(['cat-file', 'blob', entry.object]);
    last = `${oneLine(path, 200)} is a link to ${oneLine(target, 200)}`;
    links += 1;
    if (links > MOST_LINKS) return astray('leads round in a circle');
    if (target.startsWith('/')) return astray('is outside of the repository');
    rest.unshift(...target.split('/'));
  }
  return { kind: 'found', path: place.join('/'), mode: found.mode, size: found.size, way };
}

interface Entry {
  readonly mode: string;
  readonly object: string;
  readonly size: number;
}

async function entryAt(git: Git, commit: string, file: string): Promise<Entry | null> {
  const listed = await git.run(['ls-tree', '-z', '--long', '--full-tree', commit, '--', file]);
  const [, mode, object, size] = /^(\d+) \w+ ([0-9a-f]+) +(\S+)\t/.exec(listed) ?? [];
  // Git writes `-` for what has no size, and `BAD` for an object that is not there.
  return mode === undefined || object === undefined ? null : { mode, object, size: Number(size) || 0 };
}
