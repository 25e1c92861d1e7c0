import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../activities/command/process.js';
import type { Report } from '../../model/report/data.js';
import { BUILT_OUTSIDE } from '../support/agent.js';
import { openCutProxy, type CutProxy } from '../support/cut-proxy.js';
import { withMovedFleet, type Fleet, type HostSpec } from '../support/fleet.js';
import { reaching, until, withHouse, type House, type Running } from '../support/lockkeeper.js';
import { namespace, noPrivateNix } from '../support/private-nix.js';
import { processesNamed, sleepOfOurOwn } from '../support/processes.js';
import { withServedHouse } from '../support/runs.js';
import { atEndOf, type Scope, withFolder } from '../support/scope.js';

/** All cuts take twenty minutes: `LOCKKEEPER_TEST_FULL=1` plays them. */
const FULL = process.env.LOCKKEEPER_TEST_FULL === '1';

/** With a store of its own, a machine does not wait for what another one builds: it builds it as well. */
const WITH_OWN_STORE = 'mount --bind "$1" /nix && shift && exec "$@"';

interface Builder {
  readonly house: House;
  readonly machine: string;
}

async function withBuilder(scope: Scope, coordinator: House, address: string, store: string): Promise<Builder> {
  for (const folder of ['store', 'var/nix', 'var/log/nix']) await mkdir(path.join(store, folder), { recursive: true });
  const startedBy = ['unshare', ...namespace(), 'sh', '-c', WITH_OWN_STORE, 'sh', store];
  const house = await withHouse(scope, { startedBy });
  const nix = 'sandbox = false\nbuild-users-group =\nsubstituters =\nflake-registry =';
  const worker = house.start(['worker', '--roles', 'builder,agent'], {
    env: { ...(await reaching(coordinator)), TEMPORAL_ADDRESS: address, NIX_CONFIG: nix },
  });
  await until(() => worker.output().includes('the worker is ready'), 60_000, worker.output);
  return { house, machine: (await house.worker()).machine };
}

interface Scene {
  readonly fleet: Fleet;
  readonly running: Running;
  /** Has the build. */
  readonly first: Builder;
  /** Between it and the server. */
  readonly network: CutProxy;
  readonly second: Builder;
}

interface Work {
  readonly host: Omit<HostSpec, 'name'>;
  /** Arguments of the update. */
  readonly update: readonly string[];
  /** Whether the machine that was there first has begun the work. */
  readonly hasBegun: (fleet: Fleet) => Promise<boolean>;
}

/** A run whose work the first of two builders has begun. */
async function inMidWork(scope: Scope, { host, update, hasBegun }: Work): Promise<Scene> {
  const fleet = await withMovedFleet(scope, { hosts: [{ ...host, name: 'athena' }] }, ['alpha']);
  const stores = await withFolder(scope);
  // A store's folders are read-only.
  atEndOf(scope, () => run('chmod', ['-R', 'u+w', '--', stores]));
  const { house: coordinator } = await withServedHouse(scope, '--roles', 'coordinator');
  const { address } = await coordinator.server();
  const network = await openCutProxy(address);
  atEndOf(scope, () => network.close());
  const first = await withBuilder(scope, coordinator, network.address, path.join(stores, 'first'));
  const running = coordinator.start(['update', fleet.checkout, '--json', ...update]);
  await until(() => hasBegun(fleet), 60_000, running.output);
  const second = await withBuilder(scope, coordinator, address, path.join(stores, 'second'));
  return { fleet, running, first, network, second };
}

const sleeps = async (count: number, words: readonly string[]): Promise<boolean> =>
  (await processesNamed(...words)).length === count;

/** A host that takes so many seconds, and a gate that takes the same. */
const builds = (seconds: number, takeover: number): Work => ({
  host: { seconds },
  update: ['--takeover-time', `${takeover}s`, '--gate', `slow=sleep ${sleepOfOurOwn(seconds)}`],
  hasBegun: async (fleet) =>
    (await fleet.sleepers('athena')).length === 1 && (await sleeps(1, ['sleep', sleepOfOurOwn(seconds)])),
});

async function assertDoneBy({ running, fleet }: Scene, { machine }: Builder, times: number): Promise<void> {
  const { targets, gates } = (await running.report()) as Report & { readonly gates: Report['targets'] };
  assert.deepEqual(
    [...targets, ...gates].map((each) => [each.name, each.verdict, each.machine]),
    [
      ['athena', 'built', machine],
      ['gate:slow', 'passed', machine],
    ],
  );
  assert.equal(await fleet.buildsOf('athena'), times);
}

/** How many files of a name a machine keeps in the records of what it has begun. */
const records = async ({ house }: Builder, name: RegExp): Promise<number> =>
  (await readdir(house.state.builds, { recursive: true }).catch(() => [])).filter((file) => name.test(file)).length;

async function cutFor(network: CutProxy, seconds: number): Promise<void> {
  network.cut();
  await sleep(seconds * 1000);
  network.heal();
}

const skip = await noPrivateNix();

for (const seconds of FULL ? [5, 12, 15, 20, 60, 180] : [12])
  test(
    `a builder that cannot be reached for ${seconds} s keeps its build and its gate, and nobody else begins them`,
    { skip },
    async (t) => {
      const scene = await inMidWork(t, builds(seconds + 10, seconds + 60));
      await cutFor(scene.network, seconds);
      await assertDoneBy(scene, scene.first, 1);
      assert.equal(await records(scene.second, /record\.json$/), 0, 'the other one has begun nothing');
    },
  );

for (const takeover of FULL ? [5, 120] : [5])
  test(
    `a builder that cannot be reached for long loses its build ${takeover} s after its last sign of life, and ends its own`,
    { skip },
    async (t) => {
      const scene = await inMidWork(t, builds(takeover + 40, takeover));
      const { fleet, network, second } = scene;
      const working = async (): Promise<readonly number[]> => [
        ...(await fleet.sleepers('athena')),
        ...(await processesNamed('sleep', sleepOfOurOwn(takeover + 40))),
      ];
      const own = await working();
      const begun = Date.now();
      const passed = (): number => (Date.now() - begun) / 1000;
      network.cut();
      // Each of its connections may take one more task with it.
      await until(async () => (await records(second, /record\.json$/)) === 2, (takeover + 90) * 1000);
      assert.ok(passed() > takeover - 1.5, `taken over after ${passed()} s`);
      await until(async () => (await working()).every((pid) => !own.includes(pid)), 60_000);
      assert.ok(passed() < takeover + 35, `its own ended after ${passed()} s, as if nobody had taken it over`);
      network.heal();
      await assertDoneBy(scene, second, 2);
    },
  );

const AGENT = `#!/bin/sh
sleep ${sleepOfOurOwn(19)}
echo noted >> NOTES.md
`;

test(
  'an agent whose machine cannot be reached for 12 s goes on there, and no other machine asks another one',
  { skip: FULL ? skip : 'LOCKKEEPER_TEST_FULL is not set' },
  async (t) => {
    const agent = path.join(await withFolder(t), 'agent');
    await writeFile(agent, AGENT, { mode: 0o755 });
    const work: Work = {
      host: { fail: 'build-after-move' },
      update: ['--autofix', agent, '--max-attempts', '1', ...BUILT_OUTSIDE],
      hasBegun: () => sleeps(1, ['sleep', sleepOfOurOwn(19)]),
    };
    const { network, running, first, second } = await inMidWork(t, work);
    await cutFor(network, 12);
    await running.ended;
    const { fixes } = JSON.parse(running.stdout()) as Report;
    assert.deepEqual(
      fixes.map(({ attempts }) => attempts.map(({ machine }) => machine)),
      [[first.machine]],
      running.output(),
    );
    assert.equal(await records(second, /-fix-1$/), 0, 'the other machine asked no agent');
  },
);
