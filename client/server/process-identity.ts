import { readFile } from 'node:fs/promises';
import { bootTimeIn, isSameBoot, type ProcessIdentity } from '../../model/machine/state-directory.js';

/** Identity of a running process by proc(5); `null` when there is none, or only its zombie. */
export async function identify(pid: number): Promise<ProcessIdentity | null> {
  const [stat, boot, system] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null),
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    readFile('/proc/stat', 'utf8').catch(() => ''),
  ]);
  if (stat === null) return null;
  // The second field is the command's name in parentheses, which may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state = '', startTime = ''] = [fields[0], fields[19]];
  if (state === 'Z' || state === 'X') return null;
  return { pid, bootId: boot.trim(), bootTime: bootTimeIn(system), startTime };
}

/** Whether exactly this process still runs: a reused pid and another boot do not count. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  const found = await identify(identity.pid);
  return found !== null && found.startTime === identity.startTime && isSameBoot(found, identity);
}
