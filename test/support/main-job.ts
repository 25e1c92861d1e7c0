/**
 * The main job, on whatever Nix is first on the PATH: tests that `runPrivately` runs in a namespace with a store of its own.
 * `MACHINE_PATH` is the PATH with this machine's own Nix, which writes the first locks.
 */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { nixVersion } from '../../activities/nix/version.js';
import type { Report } from '../../model/report/data.js';
import { withFleet, withMovedFleet, type Fleet, type FleetOptions } from './fleet.js';
import { until, withHouse } from './lockkeeper.js';
import { runningCommands } from './processes.js';
import { type Scope, wholeFile } from './scope.js';

const house = await withHouse(wholeFile);

/** A fleet whose lock was written by this machine's own Nix. */
async function withFleetOfMachine(scope: Scope, options: FleetOptions): Promise<Fleet> {
  const path = process.env.PATH;
  process.env.PATH = process.env.MACHINE_PATH;
  try {
    return await withFleet(scope, options);
  } finally {
    process.env.PATH = path;
  }
}

test(`a worker killed in mid-build is started again, and each derivation is built once`, async (t) => {
  t.diagnostic(
    `${(await nixVersion()).text}, uid ${String(process.getuid?.())}, ${process.env.NIX_REMOTE ?? 'own store'}`,
  );
  const fleet = await withMovedFleet(
    t,
    {
      hosts: [
        { name: 'athena', seconds: 5 },
        { name: 'rhea', seconds: 5 },
      ],
    },
    ['alpha'],
  );
  const running = house.start(['update', fleet.checkout, '--json']);
  const expected = ['package athena', 'package rhea', 'system athena', 'system rhea'];
  await until(
    async () => (await fleet.builds()).length === expected.length,
    60_000,
    () => running.output(),
  );
  const worker = await house.worker();
  process.kill(worker.pid, 'SIGKILL');
  assert.equal(await running.ended, 0, running.output());
  assert.notEqual((await house.worker()).pid, worker.pid);
  const report = JSON.parse(running.stdout()) as Report;
  const { main, ...others } = await fleet.branches();
  assert.equal(main, report.base);
  assert.deepEqual(Object.values(others), [report.head]);
  assert.deepEqual([...(await fleet.builds())].sort(), expected);
});

test('one fleet: nothing to update, an input that no host uses, then one that breaks two hosts', async (t) => {
  const fleet = await withFleetOfMachine(t, {
    hosts: [
      { name: 'athena' },
      { name: 'kyushu', fail: 'build-after-move' },
      { name: 'rhea', fail: 'eval-after-move' },
      { name: 'delos', input: 'gamma' },
    ],
    inputs: ['alpha', 'beta', 'gamma'],
    selfRev: true,
  });
  await house.dev();
  const unchanged = await house.update(fleet.checkout);
  assert.equal(unchanged.exitCode, 2, `only the form of the lock may have changed: ${unchanged.stderr}`);
  assert.deepEqual(Object.keys(await fleet.branches()), ['main']);

  await fleet.moveInput('beta');
  const same = await house.update(fleet.checkout, '--dry-run');
  assert.equal(same.exitCode, 3, same.stderr);
  assert.deepEqual(
    same.report.targets.map(({ name, verdict, sameAsBase }) => [name, verdict, sameAsBase]),
    ['athena', 'delos', 'kyushu', 'rhea'].map((name) => [name, 'built', true]),
  );

  await fleet.moveInput('alpha');
  const { exitCode, report, stderr } = await house.update(fleet.checkout, '--on-failure', 'report', '--build-base');
  assert.equal(exitCode, 1, stderr);
  assert.equal(report.outcome, 'broken', stderr);
  assert.deepEqual(Object.keys(await fleet.branches()), ['main']);
  assert.deepEqual(
    report.targets.map(({ name, verdict, sameAsBase }) => [name, verdict, sameAsBase]),
    [
      ['athena', 'built', false],
      ['delos', 'built', true],
      ['kyushu', 'build-failed', false],
      ['rhea', 'evaluation-failed', null],
    ],
  );
  const [athena, , kyushu, rhea] = report.targets;
  assert.equal(athena?.closure?.kind, 'compared');
  assert.deepEqual([athena.closure.configuration, athena.closure.packages, athena.closure.from], [1, [], 'build']);
  assert.match(kyushu?.failedDrv ?? '', /nixos-system-kyushu\.drv$/);
  assert.match(kyushu?.error ?? '', /exit code 7/);
  assert.match(kyushu?.logTail ?? '', /^building kyushu\nerror: option boot\.loader of kyushu is gone$/);
  assert.match(await readFile(kyushu?.logPath ?? '', 'utf8'), /option boot\.loader of kyushu is gone/);
  assert.match(rhea?.error ?? '', /the option 'services\.rhea' does not exist/);

  const landed = await house.update(fleet.checkout, '--require', 'athena', '--require', 'delos');
  assert.equal(landed.exitCode, 0, landed.stderr);
  const { main, ...others } = await fleet.branches();
  assert.equal(main, landed.report.base);
  assert.deepEqual(Object.values(others), [landed.report.head]);
});

test(
  'a builder that is killed is no verdict, nor is a daemon that dies in mid-build: the build is tried again',
  { skip: process.env.NIX_REMOTE === 'daemon' ? false : 'without a daemon' },
  async (t) => {
    const fleet = await withMovedFleet(t, { hosts: [{ name: 'athena', seconds: 5 }] }, ['alpha']);
    const running = house.start(['update', fleet.checkout]);
    const killed = async (build: number, what: 'builders' | 'daemon', said: RegExp): Promise<void> => {
      await until(
        async () => (await fleet.buildsOf('athena')) === build,
        60_000,
        () => running.output(),
      );
      await writeFile(`${process.env.TMPDIR ?? ''}/kill-${what}`, '');
      await until(
        () => said.test(running.output()),
        20_000,
        () => running.output(),
      );
    };
    await killed(1, 'builders', /is tried again in 2 s: .* due to signal 9/);
    await killed(2, 'daemon', /is tried again in 5 s: /);
    assert.equal(await running.ended, 0, running.output());
    assert.equal(await fleet.buildsOf('athena'), 3);
    assert.equal(Object.keys(await fleet.branches()).length, 2, 'it has landed');
  },
);

test('cancelling ends a running build within five seconds, with no process left', async (t) => {
  const fleet = await withMovedFleet(t, { hosts: [{ name: 'athena', seconds: 4321 }] }, ['alpha']);
  const running = house.start(['update', fleet.checkout, '--json']);
  await until(
    async () => (await fleet.buildsOf('athena')) === 1,
    60_000,
    () => running.output(),
  );
  assert.notDeepEqual(await buildProcesses(fleet), []);
  const asked = Date.now();
  const cancelled = await house.lockkeeper(['cancel', 'latest']);
  assert.equal(cancelled.exitCode, 0, cancelled.stderr);
  await until(
    async () => (await buildProcesses(fleet)).length === 0,
    5000 - (Date.now() - asked),
    () => 'the build still runs',
  );
  assert.equal(await running.ended, 1, running.output());
  assert.equal((JSON.parse(running.stdout()) as Report).outcome, 'cancelled');
});

/** Builders of a fleet, what they started, and the Nix and supervisor that wait for them. */
async function buildProcesses(fleet: Fleet): Promise<readonly string[]> {
  const places = [fleet.counter, `${house.root}/state/`];
  const waiting = (await runningCommands())
    .filter(({ words: [program = ''] }) => /^(?:\/bin\/)?sh$|nix-store/.test(program))
    .map(({ words }) => words.join(' '))
    .filter((command) => places.some((place) => command.includes(place)));
  return [...waiting, ...(await fleet.sleepers('athena')).map((pid) => `sleep ${pid}`)];
}
