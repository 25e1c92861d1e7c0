import { run } from '../../activities/command/process.js';
import type { WorkerRecord } from '../../model/machine/state-directory.js';
import { createFleet, type Fleet } from '../support/fleet.js';
import { openHouse, type House } from '../support/lockkeeper.js';
import { blame } from './blame.js';
import { median, middle, seconds } from './figures.js';
import type { Figure } from './figures.js';
import { channels } from './channels.js';
import { closures } from './closures.js';
import { recovery } from './recovery.js';
import { reports } from './reports.js';
import { scale } from './scale.js';
import { site } from './site.js';

/**
 * `npm run bench`: how much time the durable run costs, each figure beside what it is compared with, taken in turn in one
 * run on this machine. Exit status 1 when a limit is passed.
 */
const FLAKES = ['--extra-experimental-features', 'nix-command flakes'];

const demand = (status: number | null, wanted: number, output: string): void => {
  if (status !== wanted) throw new Error(`exit status ${String(status)} instead of ${wanted}:\n${output}`);
};

const HOSTS = Array.from({ length: 8 }, (_, index) => ({ name: `host${index + 1}`, seconds: 5 }));

/** A fleet whose update is due: nothing of it was ever built, so each way of building starts from the same. */
async function dueFleet(): Promise<Fleet> {
  const fleet = await createFleet({ hosts: HOSTS });
  await fleet.moveInput('alpha');
  return fleet;
}

async function withNix(build: (checkout: string, hosts: readonly string[]) => Promise<void>): Promise<number> {
  const fleet = await dueFleet();
  try {
    return await seconds(async () => {
      demand(
        (await run('nix', [...FLAKES, 'flake', 'update'], { cwd: fleet.checkout })).exitCode,
        0,
        'nix flake update',
      );
      await build(
        fleet.checkout,
        HOSTS.map(({ name }) => name),
      );
    });
  } finally {
    await fleet.cleanup();
  }
}

async function nixBuild(cwd: string, host: string): Promise<void> {
  const attribute = `.#nixosConfigurations.${host}.config.system.build.toplevel`;
  const built = await run('nix', [...FLAKES, 'build', '--no-link', attribute], { cwd });
  demand(built.exitCode, 0, built.stderr);
}

async function withLockkeeper(house: House): Promise<number> {
  const fleet = await dueFleet();
  try {
    return await seconds(async () => {
      const updated = await house.update(fleet.checkout);
      demand(updated.exitCode, 0, updated.stderr);
    });
  } finally {
    await fleet.cleanup();
  }
}

async function builds(house: House): Promise<readonly Figure[]> {
  // A worker is warm once it has built something: what its first builds load and compile is no cost of the next ones.
  await withLockkeeper(house);
  const pairs = [];
  for (let pair = 0; pair < 3; pair += 1) {
    pairs.push({
      own: await withLockkeeper(house),
      atOnce: await withNix(async (cwd, hosts) => {
        await Promise.all(hosts.map((host) => nixBuild(cwd, host)));
      }),
    });
  }
  const own = middle(pairs.map((pair) => pair.own));
  const atOnce = middle(pairs.map((pair) => pair.atOnce));
  const inTurn = await withNix(async (cwd, hosts) => {
    for (const host of hosts) await nixBuild(cwd, host);
  });
  const detail = (other: number): string => `${own.toFixed(1)} s (median of 3) against ${other.toFixed(1)} s`;
  return [
    {
      name: '8 hosts of 5 s, against all nix builds at once',
      value: own / atOnce,
      limit: 1.3,
      unit: '×',
      detail: detail(atOnce),
    },
    {
      name: '8 hosts of 5 s, against one after the other',
      value: own / inTurn,
      limit: 0.4,
      unit: '×',
      detail: detail(inTurn),
    },
  ];
}

async function nothingToDo(house: House): Promise<Figure> {
  const fleet = await createFleet({ hosts: HOSTS });
  try {
    const own = async (): Promise<number> =>
      await seconds(async () => {
        const updated = await house.update(fleet.checkout);
        demand(updated.exitCode, 2, updated.stderr);
      });
    const nix = async (): Promise<number> =>
      await seconds(async () => {
        demand(
          (await run('nix', [...FLAKES, 'flake', 'update'], { cwd: fleet.checkout })).exitCode,
          0,
          'nix flake update',
        );
      });
    await own();
    const [ours, theirs] = [await median(5, own), await median(5, nix)];
    const detail = `${ours.toFixed(2)} s against ${theirs.toFixed(2)} s`;
    return {
      name: 'nothing to update, more than nix flake update',
      value: ours - theirs,
      limit: 1,
      unit: ' s',
      detail,
    };
  } finally {
    await fleet.cleanup();
  }
}

async function help(house: House): Promise<Figure> {
  const value = await median(7, () => seconds(() => house.lockkeeper(['--help'])));
  return { name: 'lockkeeper --help', value, limit: 0.3, unit: ' s', detail: 'median of 7' };
}

async function workerStart(): Promise<Figure> {
  const house = await openHouse();
  try {
    await house.dev();
    // The embedded server stays, as it would for the next command: only the worker is measured.
    const record: WorkerRecord = await house.worker();
    process.kill(record.pid, 'SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const value = await seconds(() => house.dev());
    return { name: 'worker ready after its start', value, limit: 3, unit: ' s', detail: 'server already running' };
  } finally {
    await house.close();
  }
}

const house = await openHouse();
let passed = true;
try {
  await house.dev('--slots', '8');
  // Each figure is printed as soon as it is there; the longest comes last.
  for (const measure of [
    async () => [await help(house)],
    async () => [await workerStart()],
    async () => [await nothingToDo(house)],
    () => builds(house),
    async () => [await reports(house)],
    site,
    closures,
    channels,
    () => recovery(house),
    () => blame(house),
    scale,
  ])
    for (const { name, value, limit, unit, detail } of await measure()) {
      const within = value <= limit;
      passed = passed && within;
      console.log(
        `${within ? 'ok  ' : 'OVER'}  ${value.toFixed(2)}${unit} (at most ${limit}${unit})  ${name}: ${detail}`,
      );
    }
} finally {
  await house.close();
}
process.exit(passed ? 0 : 1);
