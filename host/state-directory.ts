import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { access, constants, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  STATE_FORMAT,
  foreignStateDirectory,
  newerFault,
  stateDirectory,
  stateDirectoryFault,
  type FormatRecord,
  type StateDirectory,
} from '../model/machine/state-directory.js';
import { messageOf } from '../model/text/message-of.js';
import { HostFault, systemCode } from './errors.js';
import { makeFolder, readIfThere, readJson, writeWhole } from './files.js';
import { version } from './installation.js';

export class StateFault extends HostFault {}

/** It takes no more files: its disk is full or read-only. What is there can still be read. */
export class StateUnwritable extends StateFault {}

/** Below this nothing can be kept: the server's empty database alone takes half of it. */
const LEAST_SPACE_BYTES = 1024 * 1024;

/** Makes what a command needs of the state directory, which only its owner may read. @throws StateFault */
export const prepareStateDirectory = (state: StateDirectory): Promise<void> =>
  prepare(state, [state.server, state.clientProcesses], { starts: false });

/** The same, for a server or worker that is to be started there. */
export const prepareToStart = (state: StateDirectory): Promise<void> =>
  prepare(state, [state.server, state.clientProcesses, state.locks], { starts: true });

/** Makes the state directory and folders, and notes its format, for processes that work there. @throws StateFault */
export async function openStateDirectory(root: string): Promise<StateDirectory> {
  const state = stateDirectory(root);
  const { server, clientProcesses, locks, mirrors, work, builds, evaluations, reports, times, tasks } = state;
  const folders = [server, clientProcesses, locks, mirrors, work, builds, evaluations, reports, times, tasks];
  await prepare(state, folders, { starts: true });
  try {
    const found = await readJson<FormatRecord>(state.format);
    const record: FormatRecord = { format: STATE_FORMAT, version: version() };
    if (found?.format !== STATE_FORMAT) await writeWhole(state.format, JSON.stringify(record));
  } catch (error) {
    throw stateFault(state, error);
  }
  return state;
}

/** @param starts whether a process is to work there, or one only notes that it uses what works there already */
async function prepare(
  state: StateDirectory,
  folders: readonly string[],
  { starts }: { readonly starts: boolean },
): Promise<void> {
  const { root } = state;
  try {
    await makeFolder(root);
    const { mode, uid } = await stat(root);
    const isMade = folders.every((folder) => existsSync(folder));
    const fault =
      stateDirectoryFault(root, mode) ??
      (starts || !isMade ? foreignStateDirectory(root, uid, process.getuid?.()) : null);
    if (fault !== null) throw new StateFault(`${fault}.`);
    await access(root, constants.W_OK);
    const newer = newerFault(`the state directory ${root}`, await readJson<FormatRecord>(state.format));
    if (newer !== null) throw new StateFault(`${newer}.`);
    for (const folder of folders) await makeFolder(folder);
    const { bavail, bsize } = await statfs(root);
    if (bavail * bsize < LEAST_SPACE_BYTES) throw noSpace(root);
  } catch (error) {
    throw error instanceof StateFault ? error : stateFault(state, error);
  }
}

/** What a system error in the state directory means for people. */
export function stateFault({ root }: StateDirectory, error: unknown): StateFault {
  const code = systemCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return noSpace(root);
  if (code === 'EROFS')
    return new StateUnwritable(
      `The state directory ${shown(root)} is on a read-only file system: mount it for writing, or name another one with --state-dir.`,
    );
  return new StateFault(
    `The state directory ${shown(root)} cannot be used: ${folderFault(error)}. ` +
      'Name another one with --state-dir or $LOCKKEEPER_STATE_DIR.',
  );
}

const noSpace = (root: string): StateUnwritable =>
  new StateUnwritable(
    `No space is left for the state directory ${shown(root)}: make room, or name another one with --state-dir.`,
  );

/** Why a folder cannot be made or used, as a clause, by the error that the system gave. */
export function folderFault(error: unknown): string {
  const place = error instanceof Error && 'path' in error && typeof error.path === 'string' ? error.path : '';
  switch (systemCode(error)) {
    case 'ENOENT':
      return `no folder can be made in ${shown(dirname(place))}`;
    case 'EEXIST':
      return `${shown(place)} is a file, or a link to nothing`;
    case 'ENOTDIR':
      return `a file is in the way to ${shown(place)}`;
    case 'EACCES':
    case 'EPERM':
      return `this user may not use ${shown(place)}`;
    case 'ENAMETOOLONG':
      return 'its path is too long';
    case null:
    default:
      return messageOf(error);
  }
}

const SHOWN_CHARACTERS = 200;

/** A path as messages have it: a very long one is cut off. */
const shown = (place: string): string =>
  place.length > SHOWN_CHARACTERS ? `${place.slice(0, SHOWN_CHARACTERS)}…` : place;

/** True when an embedded server has ever kept runs here. */
export const hasDatabase = (state: StateDirectory): boolean => existsSync(state.serverDatabase);

/**
 * The id of this machine: made once, kept in the state directory. It is on the disk before anybody hears of it: runs look for
 * their builds on the queue that it names, also after the power was gone. A file that was cut off then is replaced. Only the
 * worker of a state directory makes one.
 */
export async function machineId(state: StateDirectory): Promise<string> {
  const found = (await readIfThere(state.machineId))?.trim() ?? '';
  if (/^[0-9a-f]{16}$/.test(found)) return found;
  const made = randomBytes(8).toString('hex');
  await writeWhole(state.machineId, `${made}\n`, { synced: true });
  return made;
}
