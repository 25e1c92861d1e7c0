import { Stats } from 'node:fs';
import { access, constants, lstat, mkdtemp, rmdir, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { userInfo } from 'node:os';
import type { StateDirectory } from '../../model/machine/state-directory.js';
import { messageOf } from '../../model/text/message-of.js';
import { systemCode } from '../../host/errors.js';
import { folderFault } from '../../host/state-directory.js';
import { ownerOf } from '../server/foreign-state.js';
import { fail, ok, warn, type Finding } from './finding.js';

const OLDEST_NODE = 20;
const GIB = 1024 ** 3;

export function checkNode(): Finding {
  const { node } = process.versions;
  return Number(node.split('.')[0]) >= OLDEST_NODE
    ? ok('Node', node)
    : fail('Node', node, `install Node ${OLDEST_NODE} or newer (https://nodejs.org, or nodejs in nixpkgs)`);
}

/** The state directory is made when it is first needed: then that is tried, as access rights do not tell (`/proc`, a file above). */
export async function checkStateDirectory(state: StateDirectory): Promise<Finding> {
  const name = 'state directory';
  const found = await stat(state.root).catch((error: unknown) => error);
  if (!(found instanceof Stats)) {
    const why = systemCode(found) === 'ENOENT' ? await cannotMake(state.root) : folderFault(found);
    return why === null
      ? ok(name, `${state.root} (made when it is needed)`)
      : fail(name, `${state.root} cannot be made: ${why}`, 'name another one with --state-dir');
  }
  if (!found.isDirectory()) return fail(name, `${state.root} is not a folder`, 'name another one with --state-dir');
  const { uid } = userInfo();
  if (found.uid !== uid) {
    const owner = await ownerOf(state.root);
    return fail(
      name,
      `${state.root} belongs to ${owner.name}, and this is user ${uid}`,
      `run as that user (sudo -u ${owner.word} lockkeeper …), or name another one with --state-dir`,
    );
  }
  const refused = await whyNotWritable(state.root);
  if (refused === 'EROFS')
    return fail(
      name,
      `${state.root} is on a read-only file system`,
      'mount it for writing, or name another one with --state-dir',
    );
  if (refused !== null) return fail(name, `${state.root} is not writable`, `chmod u+rwx ${state.root}`);
  return (found.mode & 0o022) === 0
    ? ok(name, state.root)
    : warn(name, `${state.root} may be written by others`, `chmod go-w ${state.root}`);
}

export async function checkDisk(name: string, path: string, warnBelow: number, failBelow: number): Promise<Finding> {
  const existing = await nearestFolder(path);
  const { bavail, bsize } = await statfs(existing);
  const free = (bavail * bsize) / GIB;
  const found = `${free.toFixed(1)} GiB free`;
  const wayOut = path.startsWith('/nix')
    ? 'free space with "nix-collect-garbage -d", or add disk'
    : 'free space, or name another folder with --state-dir';
  if (free < failBelow) return fail(name, found, wayOut);
  return free < warnBelow ? warn(name, found, wayOut) : ok(name, found);
}

/** Why a folder cannot be made, or `null`: tried with one of another name in the nearest folder above, which is removed again. */
async function cannotMake(path: string): Promise<string | null> {
  const isLink = await lstat(path).then(
    () => true,
    () => false,
  );
  if (isLink) return `${path} is a link to nothing`;
  const above = dirname(path);
  const found = await stat(above).catch((error: unknown) => (systemCode(error) === 'ENOENT' ? null : messageOf(error)));
  if (typeof found === 'string') return found;
  if (found === null) return await cannotMake(above);
  if (!found.isDirectory()) return `${above} is not a folder`;
  try {
    await rmdir(await mkdtemp(join(above, '.lockkeeper-')));
    return null;
  } catch {
    return `${above} is not writable`;
  }
}

async function nearestFolder(path: string): Promise<string> {
  const found = await stat(path).catch(() => null);
  return found?.isDirectory() === true || path === dirname(path) ? path : nearestFolder(dirname(path));
}

/** The code of the system's error; `null` for a folder that may be written to. */
const whyNotWritable = (path: string): Promise<string | null> =>
  access(path, constants.W_OK | constants.X_OK).then(
    () => null,
    (error: unknown) => systemCode(error) ?? 'unknown',
  );
