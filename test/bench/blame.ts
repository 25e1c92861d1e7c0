import type { WorkflowExecutionInfo } from '@temporalio/client';
import { run } from '../../activities/command/process.js';
import { createFleet, type Fleet, type HostSpec } from '../support/fleet.js';
import type { House } from '../support/lockkeeper.js';
import { updateArguments } from '../support/nix-flake-update.js';
import { connectTo } from '../support/runs.js';
import { seconds } from './figures.js';
import type { Figure } from './figures.js';

const FLAKES = ['--extra-experimental-features', 'nix-command flakes'];
const INPUTS = Array.from({ length: 16 }, (_, index) => `input${String(index + 1).padStart(2, '0')}`);
const CULPRIT = 'input11';
const BUILD_SECONDS = 5;
/** ⌈log2 16⌉ + 1 */
const PROBES = 5;

/** Finding the one of 16 inputs that breaks a host, against trying one after the other; and what seen answers cost. */
export async function blame(house: House): Promise<readonly Figure[]> {
  const host = { name: 'kyushu', seconds: BUILD_SECONDS, brokenBy: [[CULPRIT]] } as const;
  return [
    ...(await withMovedFleet({ ...host, input: 'all' }, (fleet) => search(house, fleet))),
    // The broken part is the same in each probe, and what is not broken is as on base.
    ...(await withMovedFleet({ ...host, input: CULPRIT, brokenIn: 'package' }, (fleet) => seen(house, fleet))),
  ];
}

async function withMovedFleet<T>(host: HostSpec, use: (fleet: Fleet) => Promise<T>): Promise<T> {
  const hosts = [host, { name: 'athena' }];
  const fleet = await createFleet({ inputs: INPUTS, selfRev: true, hosts });
  try {
    for (const name of INPUTS) await fleet.moveInput(name);
    return await use(fleet);
  } finally {
    await fleet.cleanup();
  }
}

async function search(house: House, fleet: Fleet): Promise<readonly Figure[]> {
  const { probes, took } = await updated(house, fleet);
  const inTurn = await seconds(async () => {
    for (const name of INPUTS) await tryAlone(fleet, name);
  });
  const detail = `one of ${INPUTS.length} inputs, builds of ${BUILD_SECONDS} s`;
  return [
    { name: 'probes to find the input to blame', value: probes, limit: PROBES, unit: '', detail },
    {
      name: 'finding the input to blame, against one after the other',
      value: took / inTurn,
      limit: 0.4,
      unit: '×',
      detail: `${detail}: ${took.toFixed(1)} s against ${inTurn.toFixed(1)} s`,
    },
  ];
}

/**
 * Builds that have to be: the package that fails, package and system on base, the system of the first probe, which runs
 * beside base, and the one that lands.
 */
const NEEDED_BUILDS = 5;

async function seen(house: House, fleet: Fleet): Promise<readonly Figure[]> {
  const { probes, took } = await updated(house, fleet);
  const builds = (await fleet.builds()).filter((line) => line.endsWith(' kyushu'));
  const detail = `${probes} probes in ${took.toFixed(1)} s`;
  return [
    {
      name: 'builds of probes whose answer is known',
      value: builds.length - NEEDED_BUILDS,
      limit: 0,
      unit: '',
      detail,
    },
  ];
}

/** One update that has to hold the culprit back: how many probes its search made, and how long it took in seconds. */
async function updated(house: House, fleet: Fleet): Promise<{ readonly probes: number; readonly took: number }> {
  const { exitCode, report, stderr } = await house.update(fleet.checkout);
  const held = report.heldBack.map(({ input }) => input).join(', ');
  if (exitCode !== 0 || held !== CULPRIT) throw new Error(`exit status ${exitCode}, held back ${held}: ${stderr}`);
  const client = await connectTo(house);
  try {
    const found: WorkflowExecutionInfo[] = [];
    for await (const each of client.workflow.list()) if (each.workflowId.startsWith(report.run)) found.push(each);
    const probes = found.filter(({ workflowId }) => /-probe-[1-9]\d*-/.test(workflowId)).length;
    const search = found.find(({ type }) => type === 'holdBack');
    const took = ((search?.closeTime?.getTime() ?? NaN) - (search?.startTime.getTime() ?? NaN)) / 1000;
    return { probes, took };
  } finally {
    await client.connection.close();
  }
}

/** Moves one input alone and builds the host, as a person would who looks for the culprit by hand. */
async function tryAlone({ checkout }: Fleet, name: string): Promise<void> {
  const restore = await run('git', ['checkout', '--quiet', '--', 'flake.lock'], { cwd: checkout });
  const moved = await run('nix', [...FLAKES, ...(await updateArguments([name]))], { cwd: checkout });
  if (restore.exitCode !== 0 || moved.exitCode !== 0) throw new Error(moved.stderr);
  const attribute = '.#nixosConfigurations.kyushu.config.system.build.toplevel';
  const built = await run('nix', [...FLAKES, 'build', '--no-link', attribute], { cwd: checkout });
  if ((built.exitCode === 0) === (name === CULPRIT)) throw new Error(`${name}: ${built.stderr}`);
}
