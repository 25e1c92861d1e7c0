import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { Report } from '../../model/report/data.js';
import { withFleet } from '../support/fleet.js';
import { reaching, until, withHouse, type House, type Running } from '../support/lockkeeper.js';
import { withServedHouse } from '../support/runs.js';
import { wholeFile } from '../support/scope.js';

/** A server whose own worker does the runs of nobody in particular, and two workers that do vincent's. */
const fleet = await withFleet(wholeFile, { hosts: [{ name: 'athena' }] });
const { house: server } = await withServedHouse(wholeFile);
const coordinator = await withHouse(wholeFile);
const builder = await withHouse(wholeFile);
const newcomer = await withHouse(wholeFile);
const config = path.join(server.root, 'lockkeeper.toml');
// A remote that only those reach who have vincent's Git settings.
await writeFile(
  path.join(server.root, 'vincent.gitconfig'),
  `[url "${fleet.root}/"]\n\tinsteadOf = https://fleet.invalid/\n`,
);
await writeFile(
  config,
  `name = "users"\n[instances.own]\nuser = "vincent"\nrepoUrl = "https://fleet.invalid/remote.git"\ndryRun = true\n` +
    `[instances.anybodys]\nrepoPath = "${fleet.checkout}"\ndryRun = true\n`,
);

const vincents = (house: House, role: string): Promise<Running> => workerOf('vincent', house, role);

/** Starts a worker of an account in a house of its own. */
async function workerOf(user: string, house: House, role: string): Promise<Running> {
  const env = {
    ...(await reaching(server)),
    GIT_CONFIG_GLOBAL: path.join(server.root, 'vincent.gitconfig'),
  };
  const running = house.start(['worker', '--user-queue', user, '--roles', role], { env });
  await until(() => running.output().includes('the worker is ready'), 60_000, running.output);
  return running;
}

const statusOf = async (run: string): Promise<string> => (await server.lockkeeper(['status', run])).stdout;

const NOBODY_THERE =
  /no worker polls the queue lockkeeper@vincent: start one as vincent, with "lockkeeper worker --user-queue vincent"/;

test('a run of an account is done by its own workers alone, with its Git settings, and says what it waits for', async () => {
  await fleet.moveInput('alpha');
  const started = await server.lockkeeper(['run', 'own', '--config', config]);
  assert.equal(started.exitCode, 0, started.stderr);
  assert.match(started.stderr, NOBODY_THERE);
  const run = started.stdout.trim();
  assert.match(await statusOf(run), NOBODY_THERE);

  const [{ stdout: other }, first] = await Promise.all([
    server.lockkeeper(['run', 'anybodys', '--watch', '--json', '--config', config]),
    vincents(coordinator, 'coordinator'),
  ]);
  const here = (await server.worker()).machine;
  assert.deepEqual(
    (JSON.parse(other) as Report).targets.map(({ machine }) => machine),
    [here],
    'others do not wait',
  );
  assert.match(first.output(), /lockkeeper@vincent, lockkeeper-evaluate@vincent/);

  let seen = '';
  await until(
    async () =>
      (seen = await statusOf(run)).includes('start "lockkeeper worker --user-queue vincent" on such a machine'),
    60_000,
    () => seen,
  );
  await vincents(builder, 'builder');
  const { stdout, stderr } = await server.lockkeeper(['watch', run, '--json']);
  const report = JSON.parse(stdout) as Report;
  assert.deepEqual(
    [report.outcome, report.targets.map(({ machine }) => machine)],
    ['verified', [(await builder.worker()).machine]],
    stderr,
  );
  const log = await server.lockkeeper(['logs', run, 'athena']);
  assert.equal(log.exitCode, 0, log.stderr);
});

test('a schedule starts its runs on the queue of the account, and follows a change of it', async () => {
  const applied = await server.lockkeeper(['apply', '--config', config]);
  assert.equal(applied.exitCode, 0, applied.stderr);
  const triggered = await server.lockkeeper(['schedules', 'trigger', 'own']);
  assert.equal(triggered.exitCode, 0, triggered.stderr);
  const watched = await server.lockkeeper(['watch', triggered.stdout.trim(), '--json']);
  assert.equal((JSON.parse(watched.stdout) as Report).outcome, 'verified', watched.stderr);

  const file = path.join(server.root, 'moved.toml');
  await writeFile(
    file,
    `name = "users"\n[instances.own]\nuser = "rhea"\nrepoUrl = "https://fleet.invalid/remote.git"\n`,
  );
  const moved = await server.lockkeeper(['apply', '--config', file]);
  assert.match(moved.stdout, /own.*task queue/);
  assert.match(moved.stderr, /no worker polls the queue lockkeeper@rhea/);

  // As when their machine starts: systemd starts the command and the worker side by side.
  const service = server.start(['apply', '--config', file], { env: { INVOCATION_ID: '0123456789abcdef' } });
  await until(() => service.output().includes('unchanged'), 30_000, service.output);
  await workerOf('rhea', newcomer, 'coordinator');
  assert.equal(await service.ended, 0, service.output());
  assert.doesNotMatch(service.output(), /no worker polls/);
});

test('a command that needs a worker of nobody’s does not take that of an account', async () => {
  const env = await reaching(server);
  const refused = await coordinator.lockkeeper(['update', fleet.checkout, '--dry-run', '--with-worker'], { env });
  assert.equal(refused.exitCode, 1);
  const doctor = await coordinator.lockkeeper(['doctor'], { env });
  assert.match(doctor.stdout + doctor.stderr, /for runs of vincent alone/);
  assert.match(refused.stderr, /does the runs of vincent alone, and there is one worker for a state directory/);
});
