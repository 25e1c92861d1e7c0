import { randomUUID } from 'node:crypto';
import { access, constants, mkdir, readdir, readFile, rmdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inScope, managerOf, type SandboxLimits } from '../../model/sandbox/limits.js';
import { exists, writeWhole } from '../../host/files.js';
import { run } from '../command/process.js';

/** Control groups of version 2: cgroups(7), and "Control Group v2" in the documentation of the kernel. */
const ROOT = '/sys/fs/cgroup';
/** The kernel's files of one group. */
const PROCESSES = 'cgroup.procs';
const CONTROLLERS = ['memory', 'pids'] as const;

/** For the processes of the group that is divided, which can have none of its own. Units start the worker in it. */
const MAIN = 'lockkeeper-main';

export interface Cgroup {
  /** Its folder; made by whoever enters it first where systemd makes it. */
  readonly path: string;
  /** The command that starts another one in it. */
  readonly enter: (command: readonly string[]) => readonly string[];
}

/**
 * Makes a control group with limits; `null` where this user gets none. Its folder is noted in `directory`, so that whoever comes
 * after this process ends what is in it.
 */
export async function openCgroup(directory: string, limits: SandboxLimits): Promise<Cgroup | null> {
  const id = `lockkeeper-${randomUUID()}`;
  const note = (folder: string): Promise<void> => writeWhole(noteIn(directory), folder);
  const scopes = await scopesOfSystemd();
  if (scopes !== null) {
    await note(path.join(scopes.folder, `${id}.scope`));
    return { path: path.join(scopes.folder, `${id}.scope`), enter: (command) => scopes.run(id, limits, command) };
  }
  const above = await dividedGroup();
  if (above === null) return null;
  const folder = path.join(above, id);
  await note(folder);
  try {
    await mkdir(folder);
    await writeFile(path.join(folder, 'memory.max'), String(limits.memoryBytes));
    await writeFile(path.join(folder, 'pids.max'), String(limits.tasks));
  } catch {
    await rmdir(folder).catch(() => undefined);
    return null;
  }
  // Neither is there in every kernel.
  await writeFile(path.join(folder, 'memory.swap.max'), '0').catch(() => undefined);
  await writeFile(path.join(folder, 'memory.oom.group'), '1').catch(() => undefined);
  return { path: folder, enter: (command) => ['/bin/sh', '-c', ENTER, 'sh', path.join(folder, PROCESSES), ...command] };
}

/** `0` is the process that writes it. */
const ENTER = 'echo 0 >"$1" && shift && exec "$@"';

const noteIn = (directory: string): string => path.join(directory, 'cgroup');

/** What a command with limits has come to. */
export async function cgroupEvents(group: Cgroup): Promise<{ readonly memory: boolean; readonly tasks: boolean }> {
  const [memory, tasks] = await Promise.all([
    count(path.join(group.path, 'memory.events'), 'oom_kill'),
    count(path.join(group.path, 'pids.events'), 'max'),
  ]);
  return { memory: memory > 0, tasks: tasks > 0 };
}

async function count(file: string, name: string): Promise<number> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}

const END_MS = 5000;

/** Ends all processes in the control group that was made for a folder, at once and whatever they do. Safe to repeat. */
export async function endCgroup(directory: string): Promise<void> {
  const folder = (await readFile(noteIn(directory), 'utf8').catch(() => '')).trim();
  // Never another group, whatever the file says.
  if (!/^\/sys\/fs\/cgroup\/.*\/?lockkeeper-[0-9a-f-]{36}(?:\.scope)?$/.test(folder)) return;
  const deadline = Date.now() + END_MS;
  while (await exists(folder)) {
    // Kernels before 5.14 know no `cgroup.kill`.
    await writeFile(path.join(folder, 'cgroup.kill'), '1').catch(() => killEach(folder));
    await removeGroups(folder);
    if (Date.now() > deadline) return;
    await sleep(20);
  }
}

async function killEach(folder: string): Promise<void> {
  const text = await readFile(path.join(folder, PROCESSES), 'utf8').catch(() => '');
  for (const pid of text.split('\n').filter(Boolean)) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}

/** Groups have no files that could be removed, and go as soon as nobody is in them. */
async function removeGroups(folder: string): Promise<void> {
  const inner = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const each of inner) if (each.isDirectory()) await removeGroups(path.join(folder, each.name));
  await rmdir(folder).catch(() => undefined);
}

/** Group of this process; `null` where there is no version 2. */
async function ownGroup(): Promise<string | null> {
  const own = /^0::(\/.*)$/m.exec(await readFile('/proc/self/cgroup', 'utf8').catch(() => ''))?.[1];
  if (own === undefined) return null;
  const here = path.join(ROOT, own);
  const group = path.basename(here) === MAIN ? path.dirname(here) : here;
  const there = await readFile(path.join(group, 'cgroup.controllers'), 'utf8').catch(() => '');
  if (!CONTROLLERS.every((name) => there.split(/\s/).includes(name))) return null;
  return (await isOurs(group, group !== here)) ? group : null;
}

/**
 * Whether a group was handed to this user. One of systemd is divided only where it starts processes in a part of it: it would else
 * not start the unit again while something of it still runs.
 */
async function isOurs(group: string, inMain: boolean): Promise<boolean> {
  const root = process.getuid?.() === 0;
  if (!inMain && (await exists('/run/systemd/system'))) return false;
  const files = [group, path.join(group, PROCESSES), path.join(group, 'cgroup.subtree_control')];
  const writable = await Promise.all(
    files.map((each) =>
      access(each, constants.W_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return !writable.includes(false) && (root || (await stat(group)).uid === process.getuid?.());
}

/** The group that this process may make others in, with limits; `null` when there is none. */
async function dividedGroup(): Promise<string | null> {
  const group = await ownGroup();
  if (group === null) return null;
  const wanted = CONTROLLERS.map((name) => `+${name}`).join(' ');
  const divide = (): Promise<boolean> =>
    writeFile(path.join(group, 'cgroup.subtree_control'), wanted).then(
      () => true,
      () => false,
    );
  const main = path.join(group, MAIN);
  // A process may start another one meanwhile.
  for (let round = 0; round < 50; round += 1) {
    if (await divide()) return group;
    await mkdir(main).catch(() => undefined);
    const processes = await readFile(path.join(group, PROCESSES), 'utf8').catch(() => '');
    for (const pid of processes.split('\n').filter(Boolean))
      await writeFile(path.join(main, PROCESSES), pid).catch(() => undefined);
  }
  return null;
}

interface Scopes {
  /** Group in which they are. */
  readonly folder: string;
  readonly run: (id: string, limits: SandboxLimits, command: readonly string[]) => readonly string[];
}

/** Tried with a command that says where it is: managers may be there and refuse, or have no controllers. */
async function scopesOfSystemd(): Promise<Scopes | null> {
  const uid = process.getuid?.() ?? 0;
  if (!(await exists(managerOf(uid)))) return null;
  const [program = '', ...args] = inScope(
    uid,
    `lockkeeper-${randomUUID()}`,
    ['MemoryAccounting=yes', 'TasksAccounting=yes'],
    ['cat', '/proc/self/cgroup'],
  );
  const tried = await run(program, args, { timeoutMs: 10_000 });
  const group = /^0::(\/.*)\/[^/]+\.scope$/m.exec(tried.stdout)?.[1];
  if (tried.exitCode !== 0 || group === undefined) return null;
  const folder = path.join(ROOT, group);
  const there = await readFile(path.join(folder, 'cgroup.controllers'), 'utf8').catch(() => '');
  if (!CONTROLLERS.every((name) => there.split(/\s/).includes(name))) return null;
  return {
    folder,
    run: (id, { memoryBytes, tasks }, command) =>
      inScope(uid, id, [`MemoryMax=${memoryBytes}`, 'MemorySwapMax=0', `TasksMax=${tasks}`], command),
  };
}
