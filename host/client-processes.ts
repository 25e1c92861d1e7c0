import { unlinkSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessIdentity, StateDirectory } from '../model/machine/state-directory.js';
import { readJson, writeWhole } from './files.js';
import { isAlive, ownIdentity } from './processes.js';
import { StateUnwritable, prepareStateDirectory, stateFault } from './state-directory.js';

/** Contents of `users/<pid>`: a process that needs the embedded server or the shared worker. */
interface ClientProcessRecord extends ProcessIdentity {
  /** For people: the command that it runs. */
  readonly what: string;
}

const announced = new Set<string>();

/**
 * Says that this process needs the embedded server (and the shared worker) until it ends. The record goes when the
 * process exits; one that a killed process left is told by its dead pid.
 * @throws StateFault
 */
export async function announceProcess(state: StateDirectory, what: string): Promise<void> {
  if (announced.has(state.clientProcesses)) return;
  await prepareStateDirectory(state);
  const path = join(state.clientProcesses, String(process.pid));
  const record: ClientProcessRecord = { ...(await ownIdentity()), what };
  try {
    // A reader must never see half a record: it would end a server that is in use.
    await writeWhole(path, JSON.stringify(record));
  } catch (error) {
    throw stateFault(state, error);
  }
  announced.add(state.clientProcesses);
  process.once('exit', () => {
    try {
      unlinkSync(path);
    } catch {
      // Gone already, or the state directory is: nobody needs it then.
    }
  });
}

/** As `announceProcess`; gives what is wrong when the disk takes no record: what runs already can be used all the same. */
export async function announceIfPossible(state: StateDirectory, what: string): Promise<StateUnwritable | null> {
  try {
    await announceProcess(state, what);
    return null;
  } catch (error) {
    if (error instanceof StateUnwritable) return error;
    throw error;
  }
}

/** Pids of the processes that need the embedded server or the shared worker. Records of dead ones are removed. */
export async function liveClientProcesses(state: StateDirectory): Promise<readonly number[]> {
  const names = await readdir(state.clientProcesses).catch(() => []);
  const live: number[] = [];
  for (const name of names.filter((each) => /^\d+$/.test(each))) {
    const file = join(state.clientProcesses, name);
    const isLive = await readJson<ClientProcessRecord>(file).then(
      (client) => client !== null && isAlive(client),
      // It cannot be read now, which passes: too many files are open, for example.
      () => true,
    );
    if (isLive) live.push(Number(name));
    else await rm(file, { force: true });
  }
  return live;
}
