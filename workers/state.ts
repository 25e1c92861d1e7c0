import { randomBytes } from 'node:crypto';
import { access, constants, mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive, ownIdentity } from '../activities/process-tree.js';
import { foreignStateDirectory, stateDirectory, stateDirectoryFault } from '../model/state-directory.js';
import type { ProcessIdentity, StateDirectory } from '../model/state-directory.js';
import { writeWhole } from '../activities/atomic-file.js';
import { readJson } from './files.js';

/**
 * Makes the state directory and its folders, readable by their owner alone.
 * @throws Error that names the directory, why it cannot be used, and the way out
 */
export async function openStateDirectory(root: string): Promise<StateDirectory> {
  const state = stateDirectory(root);
  const folders = [state.server, state.users, state.mirrors, state.work];
  const data = [state.builds, state.evaluations, state.reports, state.times, state.tasks];
  let fault: string | null;
  try {
    await mkdir(state.root, { recursive: true, mode: 0o700 });
    const { mode, uid } = await stat(state.root);
    fault = stateDirectoryFault(state.root, mode) ?? foreignStateDirectory(state.root, uid, process.getuid?.());
    if (fault === null) {
      await access(state.root, constants.W_OK);
      for (const folder of [...folders, ...data]) await mkdir(folder, { recursive: true, mode: 0o700 });
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

/** The id of this machine: made once, kept in the state directory. */
export async function machineId(state: StateDirectory): Promise<string> {
  const made = randomBytes(8).toString('hex');
  // `wx`: of two processes that start at once only one writes, and both read the same.
  await writeFile(state.machineId, `${made}\n`, { flag: 'wx', mode: 0o600 }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  });
  return (await readFile(state.machineId, 'utf8')).trim();
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
