import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { bootTimeIn, isSameBoot, type ProcessIdentity } from '../model/machine/state-directory.js';
import { systemCode } from './errors.js';

/** Why a file of a process cannot be read that is gone, or is not for this account. */
const GONE = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM']);
/** How long it is tried to read one that cannot be read for another reason: too many files are open, for example. */
const READ_MS = 30_000;
const READ_PAUSE_MS = 100;

/** A process that cannot be looked at is not gone: who took it for that would start a second one beside it. */
async function procFile(file: string): Promise<string | null> {
  const deadline = Date.now() + READ_MS;
  for (;;) {
    try {
      return await readFile(file, 'utf8');
    } catch (error) {
      if (GONE.has(systemCode(error) ?? '')) return null;
      if (Date.now() > deadline) throw error;
      await sleep(READ_PAUSE_MS);
    }
  }
}

/** The boot of this machine; pids and start times mean nothing across two of them. */
async function boot(): Promise<Pick<ProcessIdentity, 'bootId' | 'bootTime'>> {
  const [id, stat] = await Promise.all([procFile('/proc/sys/kernel/random/boot_id'), procFile('/proc/stat')]);
  if (id === null || stat === null) throw new Error('This machine does not say when it was started; is /proc mounted?');
  return { bootId: id.trim(), bootTime: bootTimeIn(stat) };
}

/** What proc_pid_stat(5) says of a process. */
export interface ProcessStat {
  readonly pid: number;
  /** Whether it has ended, and only its parent has not asked for its exit status yet. */
  readonly isOver: boolean;
  /** Whether it stands still, by SIGSTOP or under a debugger: it does nothing until SIGCONT, and is ended by SIGKILL alone. */
  readonly isStopped: boolean;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** Clock ticks of the processor that it took so far. */
  readonly ticks: number;
  /** Clock ticks between the machine's start and its own. */
  readonly startTime: string;
}

/** `null` when the process is gone. @throws what keeps `/proc` from being read for half a minute */
export async function statOf(pid: number): Promise<ProcessStat | null> {
  const text = await procFile(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The second field is the command's name in parentheses, which may itself hold spaces and parentheses.
  const [state = '', parent, group, session, ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return {
    pid,
    isOver: state === 'Z' || state === 'X',
    isStopped: state === 'T' || state === 't',
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    ticks: Number(rest[7]) + Number(rest[8]),
    startTime: rest[15] ?? '',
  };
}

/** All processes that this one can see. */
export const processIds = async (): Promise<readonly number[]> =>
  (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);

/** The environment that a process was started with, as `NAME=value`; nothing of one that is gone or may not be asked. */
export const environmentOf = async (pid: number): Promise<readonly string[]> =>
  ((await procFile(`/proc/${pid}/environ`)) ?? '').split('\0').filter((variable) => variable !== '');

/** Identity of a running process; `null` when there is none, or only its zombie. */
export async function identify(pid: number): Promise<ProcessIdentity | null> {
  const found = await statOf(pid);
  return found === null || found.isOver ? null : { pid, ...(await boot()), startTime: found.startTime };
}

/** Pid of the process above; 0 above the first one, and for a process that is gone. */
export const parentOf = async (pid: number): Promise<number> => (await statOf(pid))?.parent ?? 0;

/** Identity of this process, in locks, records and notes that a later one reads. */
export async function ownIdentity(): Promise<ProcessIdentity> {
  const identity = await identify(process.pid);
  if (identity === null) throw new Error('This process is not listed in /proc; is /proc mounted?');
  return identity;
}

/** Whether exactly this process still runs: a reused pid, another boot and a zombie do not count. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  const found = await statOf(identity.pid);
  if (found === null || found.isOver || found.startTime !== identity.startTime) return false;
  return isSameBoot(await boot(), identity);
}

export const processTable = async (): Promise<readonly ProcessStat[]> =>
  (await Promise.all((await processIds()).map(statOf))).filter((entry) => entry !== null);

/** Those below `root`, itself left out. Nix runs builders in sessions of their own, so a group is not enough. */
export function below(root: number, table: readonly ProcessStat[]): readonly ProcessStat[] {
  const found: ProcessStat[] = [];
  const queue = [root];
  for (let parent = queue.shift(); parent !== undefined; parent = queue.shift()) {
    for (const entry of table) {
      if (entry.parent !== parent) continue;
      found.push(entry);
      queue.push(entry.pid);
    }
  }
  return found;
}

/** All processes below `root`, itself left out. */
export async function descendants(root: number): Promise<ProcessIdentity[]> {
  const table = await processTable();
  const now = await boot();
  return below(root, table).map(({ pid, startTime }) => ({ pid, ...now, startTime }));
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // ESRCH: it is gone already, which is what was wanted.
  }
}

/**
 * Ends a process group and everything below it: SIGTERM to the group, up to `graceMs` to go by itself, then SIGKILL to
 * the group and to the descendants that were found before (afterwards they have lost their parent).
 * @param leader pid of a process that leads its own group
 */
export async function killTree(leader: ProcessIdentity, graceMs: number): Promise<void> {
  const below = await descendants(leader.pid);
  if (await isAlive(leader)) signal(-leader.pid, 'SIGTERM');
  const deadline = Date.now() + graceMs;
  const anyAlive = async (): Promise<boolean> =>
    (await Promise.all([leader, ...below].map(isAlive))).some((alive) => alive);
  while (Date.now() < deadline && (await anyAlive())) await sleep(50);
  signal(-leader.pid, 'SIGKILL');
  for (const each of below) if (await isAlive(each)) signal(each.pid, 'SIGKILL');
}

/** Ends processes and everything below them: SIGTERM to them, up to `graceMs` to go by themselves, then SIGKILL to all. */
export async function endProcesses(roots: readonly ProcessIdentity[], graceMs: number): Promise<void> {
  if (roots.length === 0) return;
  const below = (await Promise.all(roots.map((root) => descendants(root.pid)))).flat();
  const all = [...roots, ...below];
  for (const root of roots) if (await isAlive(root)) signal(root.pid, 'SIGTERM');
  const deadline = Date.now() + graceMs;
  while (Date.now() < deadline && (await Promise.all(all.map(isAlive))).includes(true)) await sleep(50);
  for (const each of all) if (await isAlive(each)) signal(each.pid, 'SIGKILL');
}
