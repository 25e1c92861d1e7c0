import { readFile, stat } from 'node:fs/promises';
import type { SandboxLimits } from '../../model/sandbox/limits.js';
import { NOBODY } from '../../model/sandbox/sandbox.js';
import { processIds } from '../../host/processes.js';

/** Open files of one process. */
const OPEN_FILES = 65_536;

/** What one process may have beyond the limit of all before it gets no more: it is to be seen above the limit. */
const BEYOND = 1024 ** 3;

/**
 * How often the limit of tasks the kernel lets an account have beyond what it has: it counts those of other commands as well, so this
 * only slows down what forks until it is seen to be above its own limit.
 */
const TASKS_BEYOND = 4;

/**
 * A command that runs another one within limits of setrlimit(2). It has to be the last one in a sandbox: processes are counted in the user
 * namespace in which the limit is set, and without one for the account.
 * @param by.group whether a control group keeps to the memory: without one, a single process gets no more than its part. Its address
 *   space says nothing, for programs reserve much that they never use.
 * @param by.sandboxed without a sandbox the account's other processes would count as well
 */
export async function withRlimits(
  { memoryBytes, tasks, diskBytes }: SandboxLimits,
  by: { readonly group: boolean; readonly sandboxed: boolean },
): Promise<readonly string[]> {
  const own = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const limit = (option: string, name: string, wanted: number): string => {
    // Only root may raise what it was given: proc_pid_limits(5).
    const hard = new RegExp(`^${name}\\s+\\S+\\s+(\\d+)\\s`, 'm').exec(own)?.[1];
    return `--${option}=${Math.floor(hard === undefined ? wanted : Math.min(wanted, Number(hard)))}`;
  };
  return [
    'prlimit',
    '--core=0',
    ...(by.sandboxed ? [limit('nproc', 'Max processes', TASKS_BEYOND * tasks + (await tasksOfAccount()))] : []),
    limit('nofile', 'Max open files', OPEN_FILES),
    limit('fsize', 'Max file size', diskBytes),
    ...(by.group ? [] : [limit('data', 'Max data size', memoryBytes + BEYOND)]),
    '--',
  ];
}

/** Processes and threads of the account that a command in a sandbox runs as. */
async function tasksOfAccount(): Promise<number> {
  const own = process.getuid?.();
  const account = own === 0 ? NOBODY : own;
  const tasks = await Promise.all(
    (await processIds()).map(async (pid) => {
      // proc(5): a folder for each thread, beside the two that every folder has.
      const found = await stat(`/proc/${pid}/task`).catch(() => null);
      return found === null || found.uid !== account ? 0 : found.nlink - 2;
    }),
  );
  return tasks.reduce((sum, each) => sum + each, 0);
}
