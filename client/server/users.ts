import { unlinkSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessIdentity, StateDirectory } from '../../model/machine/state-directory.js';
import type { CommandError } from '../errors.js';
import { identify } from '../../host/processes.js';
import { StateUnwritable, prepareStateDirectory, throwIfUnwritable } from './state-files.js';

/** Contents of `users/<pid>`: a process that needs the embedded server or the shared worker. */
interface UserRecord extends ProcessIdentity {
  /** For people: the command that it runs. */
  readonly what: string;
}

const announced = new Set<string>();

/**
 * Says that this process needs the embedded server (and the shared worker) until it ends. The record goes when the
 * process exits; one that a killed process left is told by its dead pid.
 */
export async function announceUse(state: StateDirectory, what: string): Promise<void> {
  if (announced.has(state.users)) return;
  await prepareStateDirectory(state);
  const self = await identify(process.pid);
  if (self === null) return;
  const path = join(state.users, String(process.pid));
  const record: UserRecord = { ...self, what };
  // A reader must never see half a record: it would end the server under our feet.
  try {
    await writeFile(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
    await rename(`${path}.new`, path);
  } catch (error) {
    throwIfUnwritable(state, error);
    throw error;
  }
  announced.add(state.users);
  process.once('exit', () => {
    try {
      unlinkSync(path);
    } catch {
      // Gone already, or the state directory is: nobody needs it then.
    }
  });
}

/** As `announceUse`; gives what is wrong when the disk takes no record: what runs already can be used all the same. */
export async function announceIfPossible(state: StateDirectory, what: string): Promise<CommandError | null> {
  try {
    await announceUse(state, what);
    return null;
  } catch (error) {
    if (error instanceof StateUnwritable) return error;
    throw error;
  }
}
