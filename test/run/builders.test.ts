import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { withFleet, withMovedFleet, type Fleet, type HostSpec } from '../support/fleet.js';
import { reaching, until, withHouse, type House, type Running } from '../support/lockkeeper.js';
import { noPrivateNix } from '../support/private-nix.js';
import { withRemoteBuilder } from '../support/remote-builder.js';
import { runInPhase, withServedHouse } from '../support/runs.js';
import { type Scope, wholeFile } from '../support/scope.js';

/** One coordinator, and builders that come and go, each with a state directory of its own. */
const { house: coordinator, client } = await withServedHouse(wholeFile, '--roles', 'coordinator');

/** Why no other machine can be had here; `false` when it can. */
const macMissing = await noPrivateNix();

interface Builder {
  readonly house: House;
  readonly machine: string;
  /** Starts its worker, again if need be. */
  start(): Promise<Running>;
}

const withBuilder = (scope: Scope, ...args: string[]): Promise<Builder> => withBuilderThat(scope, {}, ...args);

/** @param more environment of its worker */
async function withBuilderThat(
  scope: Scope,
  more: Readonly<Record<string, string>>,
  ...args: string[]
): Promise<Builder> {
  const house = await withHouse(scope);
  const env = { ...(await reaching(coordinator)), ...more };
  const start = async (): Promise<Running> => {
    const running = house.start(['worker', '--roles', 'builder', ...args], { env });
    await until(() => running.output().includes('the worker is ready'), 60_000, running.output);
    return running;
  };
  await start();
  return { house, machine: (await house.worker()).machine, start };
}

/** As when the machine burns down: its worker is gone for good, and does not say so. */
async function burnDown(builder: Builder): Promise<void> {
  process.kill((await builder.house.worker()).pid, 'SIGKILL');
}

/** A fleet whose update waits to be made. */
const withUpdate = (scope: Scope, hosts: readonly HostSpec[]): Promise<Fleet> =>
  withMovedFleet(scope, { hosts }, ['alpha']);

const update = (fleet: Fleet, ...args: string[]): Running =>
  coordinator.start(['update', fleet.checkout, '--json', ...args]);

const asleep = (fleet: Fleet): Promise<void> =>
  until(async () => (await fleet.sleepers('athena')).length === 1, 60_000);

const WAITS = 'waits for a worker of x86_64-linux';

test('a host waits for the first worker of its system, says so, and goes on when one comes', async (t) => {
  const fleet = await withUpdate(t, [{ name: 'athena', seconds: 1 }]);
  const running = update(fleet);
  await until(() => running.output().includes(WAITS), 60_000, running.output);
  const { run, targets } = await runInPhase(client, 'verifying', running);
  assert.ok(targets[0]?.error?.includes(WAITS), String(targets[0]?.error));
  const { currentDetails } = await client.workflow
    .getHandle(run)
    .query<{ readonly currentDetails?: string }>('__temporal_workflow_metadata');
  assert.ok(currentDetails?.includes(WAITS), 'the Temporal UI shows it');
  const builder = await withBuilder(t);
  const report = await running.report();
  assert.deepEqual(
    report.targets.map(({ verdict, machine }) => [verdict, machine]),
    [['built', builder.machine]],
  );
});

test('a host of a system that no worker comes for is skipped after the time that was set, and the others are built', async (t) => {
  const fleet = await withUpdate(t, [{ name: 'athena' }, { name: 'pi', system: 'riscv64-linux' }]);
  await withBuilder(t);
  const running = update(fleet, '--builder-wait', '3s', '--require', 'athena');
  const { targets } = await running.report();
  assert.deepEqual(
    targets.map(({ name, verdict, error }) => [name, verdict, error]),
    [
      ['athena', 'built', null],
      ['pi', 'skipped', 'no worker serves riscv64-linux, and none came within 3 seconds'],
    ],
  );
});

test('a builder that is gone for good has its build taken over by another one, and nothing of the first is left running', async (t) => {
  const fleet = await withUpdate(t, [{ name: 'athena', seconds: 12 }]);
  const first = await withBuilder(t);
  const running = update(fleet, '--takeover-time', '3s');
  await asleep(fleet);
  await burnDown(first);
  await until(() => running.output().includes(WAITS), 60_000, running.output);
  await until(async () => (await fleet.sleepers('athena')).length === 0, 60_000);
  const second = await withBuilder(t);
  const { targets } = await running.report();
  assert.deepEqual(
    targets.map(({ verdict, machine }) => [verdict, machine]),
    [['built', second.machine]],
  );
  assert.equal(await fleet.buildsOf('athena'), 2);
});

test('a run that is cancelled while its builder is down ends at once, and the builder ends the build when it comes back', async (t) => {
  const fleet = await withUpdate(t, [{ name: 'athena', seconds: 351 }]);
  const builder = await withBuilder(t);
  const running = update(fleet);
  await asleep(fleet);
  await burnDown(builder);
  const cancelled = await coordinator.lockkeeper(['cancel', 'latest']);
  assert.equal(cancelled.exitCode, 0, cancelled.stderr);
  assert.equal(await running.ended, 1, running.output());
  assert.equal((await fleet.sleepers('athena')).length, 1, 'nobody could end it');
  await builder.start();
  await until(async () => (await fleet.sleepers('athena')).length === 0, 20_000);
});

test('a builder whose slots are all taken is busy, not gone', async (t) => {
  const fleet = await withUpdate(t, [{ name: 'athena', seconds: 12 }]);
  const other = await withUpdate(t, [{ name: 'rhea' }]);
  await withBuilder(t, '--slots', '1');
  const busy = update(fleet);
  await asleep(fleet);
  const waiting = update(other);
  assert.equal(await waiting.ended, 0, waiting.output());
  assert.equal(await busy.ended, 0, busy.output());
  for (const { output } of [busy, waiting]) assert.ok(!output().includes(WAITS), output());
});

test(
  'a darwin target goes to the Mac that nix.conf of a Linux builder names, and waits for it while it is switched off',
  { skip: macMissing },
  async (t) => {
    const fleet = await withFleet(t, { hosts: [{ name: 'athena' }, { name: 'mac', system: 'aarch64-darwin' }] });
    const flake = await fleet.show('main', 'flake.nix');
    const [before, after] = flake.split('      nixosConfigurations = {') as [string, string];
    const mac = 'darwinConfigurations.mac.system = self.nixosConfigurations.mac.config.system.build.toplevel;';
    await fleet.pushToMain({ 'flake.nix': `${before}      ${mac}\n      nixosConfigurations = {${after}` });
    await fleet.moveInput('alpha');
    const remote = await withRemoteBuilder(t, 'aarch64-darwin');
    const builder = await withBuilderThat(t, remote.env);

    await remote.switchOff();
    const running = update(fleet, '--targets', 'nixos:athena,darwin:*');
    const isRefused = async (): Promise<boolean> => (await remote.calls()) > 0;
    await until(isRefused, 240_000, running.output);
    await remote.switchOn();
    const { outcome, targets } = await running.report();
    assert.equal(outcome, 'landed');
    assert.deepEqual(
      targets.map(({ name, kind, system, verdict, machine }) => [name, kind, system, verdict, machine]),
      [
        ['athena', 'nixos', 'x86_64-linux', 'built', builder.machine],
        ['darwin:mac', 'darwin', 'aarch64-darwin', 'built', builder.machine],
      ],
    );
    assert.deepEqual([...(await fleet.builds())].sort(), [
      'package athena',
      'package mac',
      'system athena',
      'system mac',
    ]);
    const there = (await readdir(path.join(remote.nix, 'store'))).map((name) => name.slice(33)).sort();
    assert.deepEqual(
      there.filter((name) => !/\.(?:lock|drv)$|^\.?links$/.test(name) && name !== ''),
      ['nixos-system-mac', 'package-mac'],
    );
  },
);
