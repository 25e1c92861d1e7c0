import { readdir, readFile } from 'node:fs/promises';
import type { SandboxLimits } from '../../model/sandbox/limits.js';
import { formatSize } from '../../model/text/size.js';
import { pause } from '../../host/pause.js';
import { descendants } from '../../host/processes.js';
import { walkTree } from '../files/walk-tree.js';

export interface Watched {
  /** Its first process. */
  readonly pid: number;
  /** All folders that it may write to. */
  readonly folders: readonly string[];
  readonly limits: SandboxLimits;
  /** What it is over in its control group, which keeps to memory and tasks; `null` when it has none. */
  readonly group: (() => Promise<string | null>) | null;
}

const PAUSE_MS = 1000;
/** Looking takes a tenth of the time, unless the machine is so busy that it would be looked too seldom. */
const SHARE = 10;
const LONGEST_PAUSE_MS = 5000;

/** Looks for limits that the kernel does not keep a command to. @param over told what it has done, once */
export async function watch(watched: Watched, signal: AbortSignal, over: (what: string) => void): Promise<void> {
  for (let wait = PAUSE_MS; await pause(wait, signal);) {
    const begun = performance.now();
    const what = (await overDisk(watched)) ?? (await (watched.group ?? (() => overMachine(watched)))());
    if (what !== null) {
      over(what);
      return;
    }
    wait = Math.min(LONGEST_PAUSE_MS, Math.max(PAUSE_MS, (performance.now() - begun) * SHARE));
  }
}

/** What a command's folders have too much of, as a sentence without its subject; `null` when they are within the limits. */
export async function overDisk({ folders, limits }: Pick<Watched, 'folders' | 'limits'>): Promise<string | null> {
  let bytes = 0;
  let files = 0;
  for (const folder of folders) {
    const end = await walkTree(folder, ({ stat }) => {
      // stat(2): in pieces of 512 bytes, whatever the file system has.
      bytes += stat.blocks * 512;
      files += 1;
      return bytes <= limits.diskBytes && files <= limits.files;
    });
    if (end === 'too-deep') return 'made folders that lie too deep in one another';
    if (bytes > limits.diskBytes) return `took more than ${formatSize(limits.diskBytes)} of the disk`;
    if (files > limits.files) return `made more than ${limits.files} files and folders`;
  }
  return null;
}

export const memoryWords = ({ memoryBytes }: SandboxLimits): string =>
  `took more than ${formatSize(memoryBytes)} of memory`;
export const taskWords = ({ tasks }: SandboxLimits): string => `wanted more than ${tasks} processes and threads`;

/** The same of memory and processes. */
async function overMachine({ pid, limits }: Watched): Promise<string | null> {
  const all = [{ pid }, ...(await descendants(pid))];
  let bytes = 0;
  let tasks = 0;
  for (const each of all) {
    const [memory, threads] = await Promise.all([
      memoryOf(each.pid),
      readdir(`/proc/${each.pid}/task`).catch(() => []),
    ]);
    bytes += memory;
    tasks += threads.length;
  }
  if (tasks > limits.tasks) return taskWords(limits);
  return bytes > limits.memoryBytes ? memoryWords(limits) : null;
}

/** Bytes that are a process's share of what it has in memory and no file has: `smaps_rollup` of proc(5). */
async function memoryOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0);
  return (kib('Pss_Anon') + kib('Pss_Shmem') + kib('SwapPss')) * 1024;
}
