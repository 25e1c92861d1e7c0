import { readFile, readdir } from 'node:fs/promises';
import type { Fleet } from './fleet.js';

/** SIGKILL to the running builder of a host's system, as the kernel does when memory is short. */
export async function killBuilder(fleet: Fleet, host: string): Promise<void> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.includes('\0-c\0') && command.includes(fleet.counter) && command.includes(`system ${host}`))
      process.kill(Number(pid), 'SIGKILL');
  }
}
