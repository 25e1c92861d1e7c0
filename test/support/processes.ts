import { readdir, readFile } from 'node:fs/promises';

/** A process of this machine, whoever started it. */
export interface RunningCommand {
  readonly pid: number;
  /** Words of its command line; none for a process of the kernel, and for one that has just ended. */
  readonly words: readonly string[];
}

export async function runningCommands(): Promise<readonly RunningCommand[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  return Promise.all(
    pids.map(async (pid) => {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return { pid: Number(pid), words: line.split('\0').slice(0, -1) };
    }),
  );
}

/**
 * Pids of the processes whose command line is exactly these words. Tests run side by side on one machine: some word has to
 * be this test's alone.
 */
export async function processesNamed(...words: readonly string[]): Promise<readonly number[]> {
  const wanted = words.join('\0');
  return (await runningCommands()).filter((each) => each.words.join('\0') === wanted).map(({ pid }) => pid);
}

/** A duration for `sleep` that no other test file uses, in seconds. */
export const sleepOfOurOwn = (seconds: number): string => `${seconds}.${process.pid}`;
