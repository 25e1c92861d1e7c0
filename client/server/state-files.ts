import { existsSync } from 'node:fs';
import { stat, statfs } from 'node:fs/promises';
import { systemCode } from '../../host/errors.js';
import { makeFolder, readJson } from '../../host/files.js';
import {
  foreignStateDirectory,
  newerFault,
  stateDirectoryFault,
  type FormatRecord,
  type StateDirectory,
} from '../../model/machine/state-directory.js';
import { messageOf } from '../../model/text/message-of.js';
import { CommandError } from '../errors.js';

/** Below this nothing can be kept: the server's empty database alone takes half of it. */
const LEAST_SPACE_BYTES = 1024 * 1024;

/** The state directory takes no more files: its disk is full or read-only. What is there can still be read. */
export class StateUnwritable extends CommandError {}

/** Makes the state directory, readable by its owner alone: it holds logs and run options. */
export async function prepareStateDirectory(state: StateDirectory): Promise<void> {
  try {
    await makeFolder(state.root);
    const fault =
      stateDirectoryFault(state.root, (await stat(state.root)).mode) ??
      newerFault(`the state directory ${state.root}`, await readJson<FormatRecord>(state.format));
    if (fault !== null) throw new CommandError(`${fault}.`);
    const folders = [state.server, state.users];
    if (!folders.every((path) => existsSync(path))) await refuseForeign(state);
    for (const path of folders) await makeFolder(path);
    const { bavail, bsize } = await statfs(state.root);
    if (bavail * bsize < LEAST_SPACE_BYTES) throw noSpace(state);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throwIfUnwritable(state, error);
    throw new CommandError(
      `The state directory ${state.root} cannot be made: ${messageOf(error)}. ` +
        'Name another one with --state-dir or $LOCKKEEPER_STATE_DIR.',
    );
  }
}

/** Makes the state directory for a server or worker that is to be started there. */
export async function prepareToStart(state: StateDirectory): Promise<void> {
  await refuseForeign(state);
  await prepareStateDirectory(state);
}

async function refuseForeign({ root }: StateDirectory): Promise<void> {
  const found = await stat(root).catch(() => null);
  const fault = found === null ? null : foreignStateDirectory(root, found.uid, process.getuid?.());
  if (fault !== null) throw new CommandError(`${fault}.`);
}

/** @throws StateUnwritable when that is what an error of the system means */
export function throwIfUnwritable(state: StateDirectory, error: unknown): void {
  const code = systemCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') throw noSpace(state);
  if (code === 'EROFS')
    throw new StateUnwritable(
      `The state directory ${state.root} is on a read-only file system: mount it for writing, or name another one with --state-dir.`,
    );
}

const noSpace = (state: StateDirectory): CommandError =>
  new StateUnwritable(
    `No space is left for the state directory ${state.root}: make room, or name another one with --state-dir.`,
  );

/** True when an embedded server has ever kept runs here. */
export const hasDatabase = (state: StateDirectory): boolean => existsSync(state.serverDatabase);
