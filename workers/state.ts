import { randomBytes } from 'node:crypto';
import { access, constants, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive, ownIdentity } from '../host/processes.js';
import {
  STATE_FORMAT,
  foreignStateDirectory,
  newerFault,
  stateDirectory,
  stateDirectoryFault,
} from '../model/machine/state-directory.js';
import type { FormatRecord, ProcessIdentity, StateDirectory } from '../model/machine/state-directory.js';
import { makeFolder, readIfThere, readJson, writeWhole } from '../host/files.js';
import { VERSION } from './version.js';

/**
 * Makes the state directory and its folders, readable by their owner alone.
 * @throws Error that names the directory, why it cannot be used, and the way out
 */
export async function openStateDirectory(root: string): Promise<StateDirectory> {
  const state = stateDirectory(root);
  const folders = [state.server, state.users, state.locks, state.mirrors, state.work];
  const data = [state.builds, state.evaluations, state.reports, state.times, state.tasks];
  let fault: string | null;
  try {
    await makeFolder(state.root);
    const { mode, uid } = await stat(state.root);
    fault = stateDirectoryFault(state.root, mode) ?? foreignStateDirectory(state.root, uid, process.getuid?.());
    if (fault === null) {
      await access(state.root, constants.W_OK);
      const found = await readJson<FormatRecord>(state.format);
      fault = newerFault(`the state directory ${root}`, found);
      if (fault === null && found?.format !== STATE_FORMAT)
        await writeWhole(
          state.format,
          JSON.stringify({ format: STATE_FORMAT, version: VERSION } satisfies FormatRecord),
        );
    }
    if (fault === null) {
      for (const folder of [...folders, ...data]) await makeFolder(folder);
    }
  } catch (error) {
    throw new Error(
      `the state directory ${root} cannot be used: ${error instanceof Error ? error.message : String(error)}. Name another one with --state-dir or $LOCKKEEPER_STATE_DIR`,
      { cause: error },
    );
  }
  if (fault !== null) throw new Error(fault);
  return state;
}

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

/** Says that this process needs the embedded server and the shared worker, until the returned function is called. */
export async function registerUser(state: StateDirectory, what: string): Promise<() => Promise<void>> {
  const file = join(state.users, String(process.pid));
  await writeWhole(file, JSON.stringify({ ...(await ownIdentity()), what }));
  return () => rm(file, { force: true });
}

/** Processes that need the embedded server or the shared worker. Files of dead ones are removed. */
export async function liveUsers(
  state: StateDirectory,
): Promise<readonly (ProcessIdentity & { readonly what: string })[]> {
  const names = await readdir(state.users).catch(() => []);
  const live = [];
  for (const name of names.filter((each) => /^\d+$/.test(each))) {
    const file = join(state.users, name);
    const user = await readJson<ProcessIdentity & { readonly what: string }>(file);
    if (user !== null && (await isAlive(user))) live.push(user);
    else await rm(file, { force: true });
  }
  return live;
}
