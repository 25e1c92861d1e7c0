import { existsSync } from 'node:fs';
import { mkdir, open, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  foreignStateDirectory,
  newerFault,
  stateDirectoryFault,
  type FormatRecord,
  type StateDirectory,
} from '../../model/machine/state-directory.js';
import { readBounded } from '../../host/bounded-file.js';
import { messageOf } from '../../model/text/message-of.js';
import { CommandError, systemCode } from '../errors.js';

/** A report of a thousand hosts has a few MB. */
const MOST_BYTES = 256 * 1024 ** 2;

/** Contents of a JSON record; `null` when there is none, or it is being written, or it is no record of ours by its size. */
export async function readRecord<T>(path: string): Promise<T | null> {
  const text = await readBounded(path, MOST_BYTES).catch(() => null);
  if (text === null) return null;
  try {
    return JSON.parse(text) as T;
  } catch {
    return null;
  }
}

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
      newerFault(`the state directory ${state.root}`, await readRecord<FormatRecord>(state.format));
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

/**
 * Makes a folder and what is missing above it; one that is there stays as it is.
 * Not Node's recursive mkdir: that tries for ever where a parent exists but takes no folders, such as /proc.
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdirUnlessThere(path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await mkdirUnlessThere(path);
  }
}

async function mkdirUnlessThere(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const found = await stat(path).catch(() => null);
    if (found?.isDirectory() !== true) throw error;
  }
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

/** Last lines of a log file, for a message about the process that wrote it. */
export async function logEnd(path: string, lines = 12): Promise<string> {
  const file = await open(path, 'r').catch(() => null);
  if (file === null) return '(no log)';
  try {
    const { size } = await file.stat();
    const length = Math.min(size, 16 * 1024);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.subarray(0, bytesRead).toString('utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } finally {
    await file.close();
  }
}
