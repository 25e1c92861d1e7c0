import { readFile } from 'node:fs/promises';

/** Status of a command that SIGKILL ended, as a shell gives it: what the kernel does to get memory, among others. */
export const KILLED_STATUS = 137;

/**
 * How many processes the kernel has killed for memory since this machine was started, of the machine or of a control
 * group: `oom_kill` of proc_vmstat(5). A process that was killed cannot say why, and its parent sees the signal alone: the
 * number before it began and after it ended tells. 0 where the kernel does not count.
 */
export async function memoryKills(): Promise<number> {
  const counters = await readFile('/proc/vmstat', 'utf8').catch(() => '');
  return Number(/^oom_kill (\d+)$/m.exec(counters)?.[1] ?? 0);
}
