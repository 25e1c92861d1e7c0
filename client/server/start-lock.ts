import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { takeLock } from '../../host/machine-lock.js';
import type { StateDirectory } from '../../model/machine/state-directory.js';
import { CommandError } from '../errors.js';
import { ownIdentity } from '../../host/processes.js';
import { prepareToStart } from '../../host/state-directory.js';

const WAIT_MS = 30_000;

/**
 * Does something while no other command of this state directory does the same for `key`. Where nothing can be written, it is done all
 * the same: the server knows which runs it has, and two that are started in one moment wait for each other.
 */
export async function withStartLock<T>(state: StateDirectory, key: string, work: () => Promise<T>): Promise<T> {
  if (!(await canLock(state))) return await work();
  const self = await ownIdentity();
  const file = join(state.locks, `start-${createHash('sha256').update(key).digest('hex').slice(0, 32)}`);
  const deadline = Date.now() + WAIT_MS;
  let lock = await takeLock(file, self, 'starts a run');
  while (lock === null) {
    if (Date.now() > deadline)
      throw new CommandError(
        `Another command has been starting a run of this repository for ${WAIT_MS / 1000} s. Try again.`,
      );
    lock = await takeLock(file, self, 'starts a run');
  }
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

/** Not in a folder of another account, or one that others may write to. */
async function canLock(state: StateDirectory): Promise<boolean> {
  try {
    await prepareToStart(state);
    return true;
  } catch {
    return false;
  }
}
