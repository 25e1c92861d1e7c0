import { endProcesses, environmentOf, identify, isAlive, killTree, processIds, statOf } from '../../host/processes.js';
import { isSameBoot, type ProcessIdentity } from '../../model/machine/state-directory.js';
import { readIdentity, type CommandRecord } from './record.js';
import { endOrphanedBuilders } from './orphaned-builders.js';

/** Names the record in the environment of supervisor and command (not of Nix's builders), which marks them when they are alone. */
export const RECORD_VARIABLE = 'LOCKKEEPER_BUILD_RECORD';

/** Time between SIGTERM and SIGKILL: Nix needs some tenths of a second to end its builders. */
const GRACE_MS = 2000;

/** Whether the command still runs: under its supervisor, or under what is left when only the supervisor was killed. */
export async function isRunning(record: CommandRecord): Promise<boolean> {
  const identity = await readIdentity(record);
  if (identity === null) return false;
  return (await isAlive(identity)) || (await leftovers(record, identity)).length > 0;
}

/** Ends a command with all its processes, Nix's builders too; does nothing when there is none. */
export async function endCommand(record: CommandRecord): Promise<void> {
  const identity = await readIdentity(record);
  if (identity !== null) {
    if (await isAlive(identity)) await killTree(identity, GRACE_MS);
    await endProcesses(await leftovers(record, identity), GRACE_MS);
  }
  await endOrphanedBuilders(record);
}

/**
 * Processes of a command whose supervisor is dead. Its pid may belong to somebody else by now, so each process must be in
 * its old session and carry the record's name in its environment.
 */
async function leftovers(record: CommandRecord, identity: ProcessIdentity): Promise<readonly ProcessIdentity[]> {
  const self = await identify(process.pid);
  if (self === null || !isSameBoot(self, identity)) return [];
  const found = await Promise.all((await processIds()).map((pid) => marked(pid, record, identity)));
  return found.filter((each) => each !== null);
}

async function marked(pid: number, record: CommandRecord, identity: ProcessIdentity): Promise<ProcessIdentity | null> {
  if ((await statOf(pid))?.session !== identity.pid) return null;
  const isOurs = (await environmentOf(pid)).includes(`${RECORD_VARIABLE}=${record.directory}`);
  return isOurs ? await identify(pid) : null;
}
