import { readFile } from 'node:fs/promises';
import { run } from '../../activities/command/process.js';
import type { Report } from '../../model/report/data.js';
import { createFleet, type Fleet } from '../support/fleet.js';
import { openHouse, type House } from '../support/lockkeeper.js';
import { connectTo } from '../support/runs.js';
import { seconds } from './figures.js';
import type { Figure } from './figures.js';

/** Runs of many hosts: what they leave in the server, and what their worker takes. */
export const scale = async (): Promise<readonly Figure[]> => [...(await broken(50)), ...(await alreadyBuilt(1000))];

/** A fifth of the hosts is broken. */
async function broken(hosts: number): Promise<readonly Figure[]> {
  const house = await openHouse();
  const fleet = await createFleet({
    hosts: named(hosts).map(({ name }, index) => (index % 5 === 0 ? { name, fail: 'build-after-move' } : { name })),
  });
  try {
    await house.dev('--slots', '8');
    await fleet.moveInput('alpha');
    await land(house, fleet, '--require', 'host1');
    const histories = await historiesOf(house);
    const detail = `${hosts} hosts, a fifth of them broken, run and children together`;
    return [
      { name: 'events in the histories', value: sum(histories, 'events'), limit: 2000, unit: '', detail },
      { name: 'size of the histories', value: sum(histories, 'bytes') / 1024, limit: 1024, unit: ' KiB', detail },
      { name: 'worker at most resident', value: await residentMiB(house), limit: 400, unit: ' MiB', detail },
    ];
  } finally {
    await house.close();
    await fleet.cleanup();
  }
}

/** Every host was built before and none depends on the input that moves: all that a run costs by itself. */
async function alreadyBuilt(hosts: number): Promise<readonly Figure[]> {
  const house = await openHouse();
  const fleet = await createFleet({ hosts: named(hosts) });
  try {
    await house.dev();
    await buildAll(fleet);
    const before = (await fleet.builds()).length;
    await fleet.moveInput('beta');
    let report: Report | undefined;
    const taken = await seconds(async () => {
      report = await land(house, fleet);
    });
    const same = report?.targets.filter(({ verdict, sameAsBase }) => verdict === 'built' && sameAsBase === true);
    if (same?.length !== hosts) throw new Error(`${same?.length} of ${hosts} hosts are built and as on base`);
    const again = (await fleet.builds()).length - before;
    if (again > 0) throw new Error(`${again} derivations were built again`);
    const histories = await historiesOf(house);
    const detail = `${hosts} hosts already built, in ${taken.toFixed(0)} s`;
    const most = (what: keyof History): number => Math.max(...histories.map((each) => each[what]));
    return [
      { name: 'events in the longest history', value: most('events'), limit: 10_000, unit: '', detail },
      { name: 'size of the largest history', value: most('bytes') / 1024, limit: 10 * 1024, unit: ' KiB', detail },
      { name: 'worker at most resident', value: await residentMiB(house), limit: 400, unit: ' MiB', detail },
    ];
  } finally {
    await house.close();
    await fleet.cleanup();
  }
}

/** An update of any length, which has to land. */
async function land(house: House, fleet: Fleet, ...args: string[]): Promise<Report> {
  const updated = house.start(['update', fleet.checkout, '--json', ...args]);
  const status = await updated.ended;
  // Landed with changes of hosts, or without.
  if (status !== 0 && status !== 3) throw new Error(`exit status ${status}:\n${updated.output().slice(-4000)}`);
  return JSON.parse(updated.stdout()) as Report;
}

const named = (hosts: number): { readonly name: string }[] =>
  Array.from({ length: hosts }, (_, index) => ({ name: `host${index}` }));

/** Builds every host of main, in one Nix. */
async function buildAll(fleet: Fleet): Promise<void> {
  const hosts = `(builtins.getFlake "git+file://${fleet.checkout}?ref=main").nixosConfigurations`;
  const finished = await run('nix', [
    ...['--extra-experimental-features', 'nix-command flakes', 'build', '--impure', '--no-link', '--expr'],
    `map (host: host.config.system.build.toplevel) (builtins.attrValues ${hosts})`,
  ]);
  if (finished.exitCode !== 0) throw new Error(finished.stderr.slice(-4000));
}

interface History {
  readonly events: number;
  readonly bytes: number;
}

/** Of every workflow that the house's server knows. */
async function historiesOf(house: House): Promise<readonly History[]> {
  const client = await connectTo(house);
  const histories: History[] = [];
  for await (const { historyLength, historySize } of client.workflow.list())
    histories.push({ events: historyLength, bytes: historySize ?? 0 });
  await client.connection.close();
  return histories;
}

const sum = (histories: readonly History[], what: keyof History): number =>
  histories.reduce((total, each) => total + each[what], 0);

async function residentMiB(house: House): Promise<number> {
  const status = await readFile(`/proc/${(await house.worker()).pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}
