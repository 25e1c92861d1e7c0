import { readdir, readFile } from 'node:fs/promises';
import { isSameBoot, type ProcessIdentity } from '../../../model/machine/state-directory.js';
import { endProcesses, identify, isAlive, killTree } from '../../command/process-tree.js';
import type { BuildRecord } from './build-record.js';
import { readIdentity } from './build-record.js';
import { endOrphanedBuilders } from './orphaned-builders.js';

/** Names the record in the environment of supervisor and Nix (not of builders), which marks them when they are alone. */
export const RECORD_VARIABLE = 'LOCKKEEPER_BUILD_RECORD';

/** Time between SIGTERM and SIGKILL: Nix needs some tenths of a second to end its builders. */
const GRACE_MS = 2000;

/** Whether the build still runs: under its supervisor, or under what is left when only the supervisor was killed. */
export async function isBuildAlive(record: BuildRecord): Promise<boolean> {
  const identity = await readIdentity(record);
  if (identity === null) return false;
  return (await isAlive(identity)) || (await leftovers(record, identity)).length > 0;
}

/** Ends a build, its Nix and its builders; does nothing when there is none. */
export async function endBuild(record: BuildRecord): Promise<void> {
  const identity = await readIdentity(record);
  if (identity !== null) {
    if (await isAlive(identity)) await killTree(identity, GRACE_MS);
    await endProcesses(await leftovers(record, identity), GRACE_MS);
  }
  await endOrphanedBuilders(record);
}

/**
 * Processes of a build whose supervisor is dead. Its pid may belong to somebody else by now, so each process must be in
 * its old session and carry the record's name in its environment.
 */
async function leftovers(record: BuildRecord, identity: ProcessIdentity): Promise<readonly ProcessIdentity[]> {
  const self = await identify(process.pid);
  if (self === null || !isSameBoot(self, identity)) return [];
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map((pid) => marked(pid, record, identity)));
  return found.filter((each) => each !== null);
}

async function marked(pid: string, record: BuildRecord, identity: ProcessIdentity): Promise<ProcessIdentity | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // proc(5): state is field 3, the session field 6.
  if (Number(fields[3]) !== identity.pid || fields[0] === 'Z' || fields[0] === 'X') return null;
  const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
  return environment.split('\0').includes(`${RECORD_VARIABLE}=${record.directory}`) ? identify(Number(pid)) : null;
}
