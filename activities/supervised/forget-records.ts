import { rmdir } from 'node:fs/promises';
import path from 'node:path';
import { runDirectoryName } from '../../model/run/directory-name.js';
import { sideBySide } from '../../host/side-by-side.js';
import type { StateDirectory } from '../../model/machine/state-directory.js';
import { names, readStatus, recordAt, releaseRecord, type CommandRecord } from './record.js';
import { endCommand } from './session.js';

/** Records that are let go side by side. */
const AT_ONCE = 32;

/**
 * Lets go of what a closed run has supervised on this machine: commands that still run are ended, GC roots and leases removed.
 * Logs and verdicts stay, for the report names them. Safe to repeat.
 */
export async function forgetRecords(state: StateDirectory, run: string): Promise<void> {
  const directory = path.join(state.builds, runDirectoryName(run));
  await sideBySide(await names(directory), AT_ONCE, (name) => release(recordAt(path.join(directory, name))));
}

async function release(record: CommandRecord): Promise<void> {
  // Looking for what is left of a command reads all of /proc; most have ended by themselves.
  if ((await readStatus(record)) === null) await endCommand(record);
  await releaseRecord(record);
  // Succeeds only for a folder that nothing was kept in, which is then of no use.
  await rmdir(record.directory).catch(() => undefined);
}
