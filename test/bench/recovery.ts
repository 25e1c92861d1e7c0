import { until, type House } from '../support/lockkeeper.js';
import { createFleet } from '../support/fleet.js';
import type { Report } from '../../model/report/data.js';
import { seconds } from './figures.js';
import type { Figure } from './figures.js';

const HOSTS = Array.from({ length: 3 }, (_, index) => ({ name: `host${index + 1}`, seconds: 16 }));

/**
 * What a death in mid-build costs: the same update undisturbed, with the worker killed, and with the worker and the
 * embedded server killed. The command starts again what died. A derivation that is built twice is an error, not a figure.
 */
export async function recovery(house: House): Promise<readonly Figure[]> {
  const undisturbed = await update(house, []);
  const worker = await update(house, ['worker']);
  const both = await update(house, ['worker', 'server']);
  const figure = (name: string, value: number): Figure => ({
    name,
    value: value - undisturbed,
    limit: 5,
    unit: ' s',
    detail: `${value.toFixed(1)} s against ${undisturbed.toFixed(1)} s undisturbed`,
  });
  return [figure('worker killed in mid-build', worker), figure('worker and server killed in mid-build', both)];
}

async function update(house: House, victims: readonly ('worker' | 'server')[]): Promise<number> {
  const fleet = await createFleet({ hosts: HOSTS });
  try {
    await fleet.moveInput('alpha');
    return await seconds(async () => {
      const running = house.start(['update', fleet.checkout, '--json']);
      await until(async () => (await fleet.builds()).filter((line) => line.startsWith('system')).length === 3, 60_000);
      const pids: number[] = [];
      if (victims.includes('worker')) pids.push((await house.worker()).pid);
      if (victims.includes('server')) {
        const { keeper, server } = await house.server();
        pids.push(keeper.pid, server.pid);
      }
      for (const pid of pids) process.kill(pid, 'SIGKILL');
      const status = await running.ended;
      if (status !== 0) throw new Error(`exit status ${status}:\n${running.output()}`);
      const report = JSON.parse(running.stdout()) as Report;
      const built = (await fleet.builds()).length;
      if (report.outcome !== 'landed' || built !== 2 * HOSTS.length)
        throw new Error(`${report.outcome}, ${built} derivations built instead of ${2 * HOSTS.length}`);
    });
  } finally {
    await fleet.cleanup();
  }
}
