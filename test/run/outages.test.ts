import assert from 'node:assert/strict';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Report } from '../../model/report/data.js';
import { withMovedFleet, type Fleet } from '../support/fleet.js';
import { until, withHouse, type House, type Running } from '../support/lockkeeper.js';
import type { Scope } from '../support/scope.js';

interface Building {
  readonly house: House;
  readonly fleet: Fleet;
  readonly running: Running;
}

/** An update whose host is being built. */
async function inMidBuild(scope: Scope, seconds: number): Promise<Building> {
  const fleet = await withMovedFleet(scope, { hosts: [{ name: 'athena', seconds }] }, ['alpha']);
  const house = await withHouse(scope);
  const running = house.start(['update', fleet.checkout, '--json']);
  await until(async () => (await fleet.buildsOf('athena')) === 1, 60_000, running.output);
  return { house, fleet, running };
}

async function assertLanded(fleet: Fleet, running: Running, builds: number): Promise<Report> {
  const report = await running.report();
  const { main, ...others } = await fleet.branches();
  assert.equal(main, report.base);
  assert.deepEqual(Object.values(others), [report.head]);
  assert.equal(await fleet.buildsOf('athena'), builds);
  return report;
}

test('a build that ends while the server is away for 15 seconds is not built again, and its report outlives the server', async (t) => {
  const { house, fleet, running } = await inMidBuild(t, 5);
  const { keeper, server } = await house.server();
  // A keeper that stands still starts no other server, and lets nobody else be keeper.
  process.kill(keeper.pid, 'SIGSTOP');
  process.kill(server.pid, 'SIGKILL');
  const back = sleep(15_000);
  await until(async () => (await fleet.sleepers('athena')).length === 0, 60_000);
  await back;
  process.kill(keeper.pid, 'SIGCONT');
  const { run } = await assertLanded(fleet, running, 1);

  const again = await house.server();
  for (const { pid } of [again.keeper, again.server]) process.kill(pid, 'SIGKILL');
  const report = await house.lockkeeper(['report', run, '--format', 'json']);
  assert.equal((JSON.parse(report.stdout) as Report).outcome, 'landed', report.stderr);
});

/** Makes every process that the state directory names one of an earlier boot, whose number somebody else has by now. */
async function reboot(house: House, stranger: number): Promise<void> {
  for (const file of await readdir(house.state.root, { recursive: true, withFileTypes: true })) {
    if (!file.isFile() || !/^(?:worker\.json|server\.json|identity|\d+|start\.lock\.\d+)$/.test(file.name)) continue;
    const name = join(file.parentPath, file.name);
    const text = await readFile(name, 'utf8');
    const earlier = text
      .replaceAll(/"bootId":\s*"[^"]*"/g, '"bootId":"00000000-0000-4000-8000-000000000000"')
      .replaceAll(/"bootTime":\s*\d+/g, '"bootTime":1')
      .replaceAll(/"pid":\s*\d+/g, `"pid":${stranger}`);
    if (earlier !== text) await writeFile(name, earlier);
  }
}

test('a machine that went down in mid-build goes on after it has started again, and kills nobody who has an old number', async (t) => {
  const { house, fleet, running } = await inMidBuild(t, 6);
  const { keeper, server } = await house.server();
  const worker = await house.worker();
  const builds = async (): Promise<number[]> => {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const environments = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')));
    return pids.filter((_, index) => environments[index]?.includes(`=${house.state.builds}`) === true).map(Number);
  };
  for (const pid of [running.pid, worker.pid, keeper.pid, server.pid, ...(await builds())])
    process.kill(pid, 'SIGKILL');
  for (const pid of await fleet.sleepers('athena')) process.kill(pid, 'SIGKILL');
  await reboot(house, process.pid);

  const again = house.start(['update', fleet.checkout, '--json']);
  await assertLanded(fleet, again, 2);
});
