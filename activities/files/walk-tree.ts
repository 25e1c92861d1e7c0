import { chmodSync, closeSync, constants, lstatSync, opendirSync, openSync, type Stats } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { systemCode } from '../../host/errors.js';

/** A file or folder in a tree that somebody else made. */
export interface Found {
  /** Its own name, as the file system has it: any bytes. */
  readonly name: Buffer;
  /** Path from the root of the tree. */
  readonly path: () => string;
  readonly stat: Stats;
}

interface Walk {
  readonly visit: (found: Found) => boolean;
  readonly unlock: boolean;
  seen: number;
}

/** Opens a file without a right to read it, only to name it: open(2). Node has no name for it. */
const O_PATH = 0o10000000;
const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Folders in folders, each of which costs two open files, and the bytes of a path: below lies nothing that anybody made on purpose. */
const DEEPEST = 200;
const LONGEST = 3000;
/** Entries after which others get their turn. */
const PIECE = 256;

/**
 * Looks at everything in a folder, in no order. Each entry is reached from its open folder: a path may be longer than the system
 * takes, and nobody can put a link in the way. What goes meanwhile is left out.
 * @param visit gets each entry; `false` ends the walk
 * @param unlock gives the owner the rights that reading and removing take; folders that cannot be read get them in any case
 * @returns `ended` by `visit`, `too-deep` where folders lie in more than 200 others, or under a path that others could not name
 */
export async function walkTree(
  folder: string,
  visit: (found: Found) => boolean,
  { unlock = false }: { readonly unlock?: boolean } = {},
): Promise<'whole' | 'ended' | 'too-deep'> {
  const root = openFolder(Buffer.from(folder));
  return root === null ? 'whole' : await walk(root, { names: [], bytes: 0 }, { visit, unlock, seen: 0 });
}

/** Names of the folders above, each with a slash behind it. */
interface Above {
  readonly names: readonly Buffer[];
  readonly bytes: number;
}

/** Calls that wait would take most of the time: others get their turn after a piece. */
async function walk(folder: number, above: Above, state: Walk): Promise<'whole' | 'ended' | 'too-deep'> {
  const here = `/proc/self/fd/${folder}/`;
  const entries = opendirSync(here, { encoding: 'buffer' as BufferEncoding, bufferSize: PIECE });
  try {
    if (above.names.length > 2 * DEEPEST || above.bytes > LONGEST) return 'too-deep';
    for (let entry = entries.readSync(); entry !== null; entry = entries.readSync()) {
      const name = entry.name as unknown as Buffer;
      const place = Buffer.concat([Buffer.from(here), name]);
      if ((state.seen += 1) % PIECE === 0) await turn();
      const stat = lstatSync(place, { throwIfNoEntry: false });
      if (stat === undefined) continue;
      if (state.unlock) giveRights(place, stat);
      const path = (): string => Buffer.concat([...above.names, name]).toString();
      if (!state.visit({ name, path, stat })) return 'ended';
      const inner = stat.isDirectory() ? openFolder(place) : null;
      if (inner === null) continue;
      const names = [...above.names, name, SLASH];
      const end = await walk(inner, { names, bytes: above.bytes + name.length + 1 }, state);
      if (end !== 'whole') return end;
    }
    return 'whole';
  } finally {
    entries.closeSync();
    closeSync(folder);
  }
}

const SLASH = Buffer.from('/');

/** A descriptor; `null` when it is not a folder any more, or may not be read. */
function openFolder(place: Buffer): number | null {
  const first = tried(() => openSync(place, FOLDER));
  if (first !== null) return first;
  // What its owner may not read is looked at all the same.
  const stat = lstatSync(place, { throwIfNoEntry: false });
  if (stat?.isDirectory() !== true) return null;
  giveRights(place, stat);
  return tried(() => openSync(place, FOLDER));
}

function giveRights(place: Buffer, stat: Stats): void {
  if (!stat.isDirectory() && !stat.isFile()) return;
  const wanted = stat.mode | (stat.isDirectory() ? 0o700 : 0o400);
  if (wanted === stat.mode) return;
  // What stands there now, whatever it was a moment ago: `chmod` would follow a link.
  const file = tried(() => openSync(place, O_PATH | constants.O_NOFOLLOW));
  if (file === null) return;
  try {
    // Somebody else's stays as it is: whoever reads it says so.
    tried(() => {
      chmodSync(`/proc/self/fd/${file}`, wanted & 0o7777);
    });
  } finally {
    closeSync(file);
  }
}

/** `null` for what is not there any more, is something else, or may not be had. */
function tried<T>(call: () => T): T | null {
  try {
    return call();
  } catch (error) {
    if (EXPECTED.has(systemCode(error) ?? '')) return null;
    throw error;
  }
}

const EXPECTED = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'EPERM', 'ENOTSUP', 'EROFS']);
