import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { processIds, statOf } from './processes.js';

export interface GroupUsage {
  /** By pid: bytes that went through its reads and writes, and seconds of the processor. */
  readonly processes: ReadonlyMap<number, ProcessUsage>;
}

interface ProcessUsage {
  readonly read: number;
  readonly written: number;
  readonly seconds: number;
}

/** Clock ticks of proc_pid_stat(5) in a second: the same on every Linux that Node runs on. */
const TICKS = 100;

/** What the processes of a group have done; a process that the kernel says nothing of is left out. */
export async function groupUsage(group: number): Promise<GroupUsage> {
  const found = await Promise.all((await processIds()).map((pid) => usageIn(pid, group)));
  return { processes: new Map(found.filter((entry) => entry !== null)) };
}

async function usageIn(pid: number, group: number): Promise<readonly [number, ProcessUsage] | null> {
  const stat = await statOf(pid);
  if (stat?.group !== group) return null;
  const io = await readFile(`/proc/${pid}/io`, 'utf8').catch(() => null);
  if (io === null) return null;
  const count = (name: string): number => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(io)?.[1] ?? 0);
  return [pid, { read: count('rchar'), written: count('wchar'), seconds: stat.ticks / TICKS }];
}

/** Ends a process group: SIGTERM, up to `graceMs` to go by itself, then SIGKILL. */
export async function endGroup(group: number, graceMs: number): Promise<void> {
  const deadline = Date.now() + graceMs;
  for (let there = signalGroup(group, 'SIGTERM'); there && Date.now() < deadline; there = signalGroup(group, 0))
    await sleep(20);
  signalGroup(group, 'SIGKILL');
}

function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Lets a process group end with this process, also where a signal ends it. @returns takes that back */
export function endWithUs(group: number): () => void {
  const end = (): void => {
    signalGroup(group, 'SIGKILL');
  };
  const told = (name: NodeJS.Signals): void => {
    process.removeListener(name, told);
    end();
    // Nobody else wants to know of it, so it does what it does by itself.
    if (process.listenerCount(name) === 0) process.kill(process.pid, name);
  };
  process.once('exit', end);
  for (const name of SIGNALS) process.on(name, told);
  return () => {
    process.removeListener('exit', end);
    for (const name of SIGNALS) process.removeListener(name, told);
  };
}
