import assert from 'node:assert/strict';
import { watch } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Report } from '../../model/report/data.js';
import { createFleet } from './fleet.js';
import type { Fleet, FleetOptions } from './fleet.js';
import { git } from './git.js';
import { openHouse, until, reaching } from './lockkeeper.js';
import type { House, Running } from './lockkeeper.js';
import type { NtfyServer } from './ntfy.js';
import { runningCommands } from './processes.js';
import { connectTo } from './runs.js';

export const VICTIMS = ['worker', 'server', 'both'] as const;
export type Victim = (typeof VICTIMS)[number];

/** Where a run is played through while somebody dies: a house, a fleet whose update is due, and a topic that is told. */
export interface Stage {
  readonly house: House;
  readonly fleet: Fleet;
  readonly topic: string;
  /** Starts `lockkeeper update --json` of the fleet, told to the topic. */
  update(...args: string[]): Running;
}

/** @param options of the fleet, all of whose inputs have moved */
export async function openStage(house: House, ntfy: NtfyServer, options: FleetOptions): Promise<Stage> {
  const fleet = await createFleet(options);
  for (const input of Object.keys(fleet.inputs)) await fleet.moveInput(input);
  const topic = `run${fleet.root.replaceAll(/[^A-Za-z0-9]/g, '')}`;
  const token = join(house.root, 'token');
  await writeFile(token, ntfy.token, { mode: 0o600 });
  const told = ['--ntfy-server', ntfy.url, '--ntfy-topic', topic, '--ntfy-token-file', token];
  return {
    house,
    fleet,
    topic,
    update: (...args) => house.start(['update', fleet.checkout, '--json', ...told, ...args]),
  };
}

/** SIGKILL to the worker of a house, to the embedded server and its keeper, or to all three. */
export async function kill(house: House, victim: Victim): Promise<void> {
  const pids: number[] = [];
  if (victim !== 'server') pids.push((await house.worker()).pid);
  if (victim !== 'worker') {
    const { keeper, server } = await house.server();
    pids.push(keeper.pid, server.pid);
  }
  for (const pid of pids) process.kill(pid, 'SIGKILL');
}

export interface Killer {
  readonly killed: () => boolean;
  readonly stop: () => void;
}

/**
 * Kills once, as soon as a worker holds a task of an activity.
 * @param at house of the worker that is to hold it, if that is another one
 */
export async function killAt(house: House, activity: string, victim: Victim, at = house): Promise<Killer> {
  await mkdir(at.state.tasks, { recursive: true, mode: 0o700 });
  let killed = false;
  const watcher = watch(at.state.tasks, (_, file) => {
    if (killed || file?.startsWith(`${activity}-`) !== true) return;
    killed = true;
    void killBoth(house, at, victim);
  });
  return {
    killed: () => killed,
    stop: () => {
      watcher.close();
    },
  };
}

async function killBoth(house: House, at: House, victim: Victim): Promise<void> {
  if (at === house) return kill(house, victim);
  if (victim !== 'server') await kill(at, 'worker');
  if (victim !== 'worker') await kill(house, 'server');
}

/** What a run ends in, whatever died meanwhile. */
export interface Ending {
  /** How often the topic is told; default: once, at the end. */
  readonly told?: number;
  /** Builders that were started, when these are not one for each derivation. */
  readonly builds?: readonly string[];
  /** Other houses whose workers had a part in it. */
  readonly helpers?: readonly House[];
}

/**
 * One branch, people told once, each derivation built once; no process, work tree or lock left, and nothing kept from
 * collection.
 */
export async function assertAsIfNothingHappened(
  { house, fleet, topic }: Stage,
  running: Running,
  ntfy: NtfyServer,
  ending: Ending = {},
): Promise<Report> {
  assert.equal(await running.ended, 0, running.output());
  const report = JSON.parse(running.stdout()) as Report;
  assert.equal(report.outcome, 'landed');
  for (const { name, verdict } of report.targets) assert.equal(verdict, 'built', name);
  const { main, ...others } = await fleet.branches();
  if (report.landed?.mode === 'merge') {
    assert.equal(main, report.head);
    assert.deepEqual(others, {});
  } else {
    assert.deepEqual(others, { [report.landed?.ref ?? '']: report.head });
  }
  const once = report.targets.flatMap(({ name }) => [`package ${name}`, `system ${name}`]);
  assert.deepEqual(
    [...(await fleet.builds())].sort(),
    [...(ending.builds ?? once)].sort(),
    'derivations are built once',
  );
  assert.equal((await ntfy.messages(topic)).length, ending.told ?? 1, 'people are told once');
  assert.ok(
    report.notifications.every(({ ok }) => ok),
    JSON.stringify(report.notifications),
  );
  assert.equal(await git(fleet.checkout, 'status', '--porcelain'), '');
  for (const each of [house, ...(ending.helpers ?? [])]) await assertNothingIsLeft(each, fleet, report.run);
  await assertReleased(house, report.run);
  return report;
}

/** A run that is over has left no work tree, lock, record but its logs, or process, and keeps nothing from collection. */
export async function assertNothingIsLeft(house: House, fleet: Fleet, run: string): Promise<void> {
  const { mirrors, work, evaluations, builds, tasks } = house.state;
  let left: readonly string[] = [];
  const nothing = async (): Promise<boolean> => {
    left = [
      ...(await below(work)),
      ...(await below(tasks)),
      ...(await below(mirrors)).filter((name) => /\.lock$|\.partial-|\.scratch-|\/worktrees\/./.test(name)),
      ...(await below(join(evaluations, 'runs', run))),
      ...(await below(join(builds, run))).filter(
        (name) => !/\/(log|evaluation\.log|verdict\.json|closure\.json|[^/]*\/)$/.test(name),
      ),
      ...(await processes([fleet.root, join(builds, run)])),
    ];
    return left.length === 0;
  };
  // What a killed worker left is removed when the next one starts, which may not be long ago.
  await until(nothing, 20_000, () => `something is left: ${left.join('\n')}`);
}

/** Files below a folder, and folders with a slash at the end. */
async function below(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.map((entry) => join(entry.parentPath, entry.name) + (entry.isDirectory() ? '/' : ''));
}

/** Command lines of processes that name one of the places, this one and the command itself left out. */
async function processes(places: readonly string[]): Promise<string[]> {
  const others = (await runningCommands()).filter(({ pid }) => pid !== process.pid);
  const commands = others.map(({ words }) => words.join(' '));
  return commands.filter((command) => places.some((place) => command.includes(place)));
}

/** The server has nothing open that belongs to the run: no verification, and no hold on the repository. */
export async function assertReleased(house: House, run: string): Promise<void> {
  const client = await connectTo(house);
  let open: string[] = [];
  const closed = async (): Promise<boolean> => {
    open = [];
    for await (const { workflowId, memo } of client.workflow.list({ query: 'ExecutionStatus = "Running"' }))
      if (workflowId.startsWith(run) || memo?.run === run) open.push(workflowId);
    return open.length === 0;
  };
  try {
    await until(closed, 20_000, () => `still open: ${open.join(', ')}`);
  } finally {
    await client.connection.close();
  }
}

/** A machine of its own whose worker serves another house's server. */
export interface Helper {
  readonly house: House;
  /** Starts the worker, and waits until it is ready. */
  start(): Promise<Running>;
}

export async function openHelper(
  of: House,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Helper> {
  const house = await openHouse();
  const start = async (): Promise<Running> => {
    const running = house.start(['worker', ...args], { env: { ...env, ...(await reaching(of)) } });
    await until(
      () => running.output().includes('the worker is ready'),
      60_000,
      () => running.output(),
    );
    return running;
  };
  return { house, start };
}
