import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { cpus, totalmem } from 'node:os';
import { test } from 'node:test';
import { isAlive } from '../../host/processes.js';
import type { Report } from '../../model/report/data.js';
import { withFleet, type Fleet } from '../support/fleet.js';
import { freePort } from '../support/free-port.js';
import { reaching, until, withHouse, type Running } from '../support/lockkeeper.js';

/** What a stop may take: the promise is five seconds, and a machine that runs other tests is slow. */
const STOP_MS = 5000;

/** Status of an HTTP answer; 0 when nobody answers. */
const ask = async (url: string): Promise<{ readonly status: number; readonly text: string }> => {
  const answer = await fetch(url).catch(() => null);
  return answer === null ? { status: 0, text: '' } : { status: answer.status, text: await answer.text() };
};

/** SIGTERM; gives how it ended and how long that took. */
async function stop(running: Running): Promise<{ readonly status: number | string; readonly ms: number }> {
  const begun = Date.now();
  process.kill(running.pid, 'SIGTERM');
  const status = await running.ended;
  return { status, ms: Date.now() - begun };
}

test('a second worker on one state directory is refused with one message', async (t) => {
  const house = await withHouse(t);
  await house.dev();
  for (const command of ['worker', 'dev']) {
    const { exitCode, stderr, stdout } = await house.lockkeeper([command]);
    assert.equal(exitCode, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /^lockkeeper: a worker already runs on the state directory [^\n]+ another --state-dir\n$/);
  }
});

test('a worker is ready within three seconds when its server runs', async (t) => {
  const house = await withHouse(t);
  const first = await house.dev();
  assert.equal((await stop(first)).status, 0);
  const times = [];
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const begun = Date.now();
    const running = house.start(['dev']);
    await until(
      () => running.output().includes('the worker is ready'),
      20_000,
      () => running.output(),
    );
    times.push(Date.now() - begun);
    await stop(running);
  }
  assert.ok(Math.min(...times) < 3000, `${times.join(', ')} ms`);
});

test('SIGTERM while a worker starts ends it cleanly, also when no server answers', async (t) => {
  const house = await withHouse(t);
  const silent = createServer();
  await new Promise<void>((resolve) =>
    silent.listen(0, '127.0.0.1', () => {
      resolve();
    }),
  );
  const { port } = silent.address() as AddressInfo;
  try {
    const healthPort = await freePort();
    const waiting = house.start(['worker', '--health-port', String(healthPort)], {
      env: { TEMPORAL_ADDRESS: `127.0.0.1:${port}` },
    });
    const health = `http://127.0.0.1:${healthPort}`;
    await until(
      async () => (await ask(`${health}/healthz`)).status === 200,
      20_000,
      () => waiting.output(),
    );
    assert.equal((await ask(`${health}/readyz`)).status, 503, 'it lives, and is not ready');
    const { status, ms } = await stop(waiting);
    assert.equal(status, 0, waiting.output());
    assert.ok(ms < STOP_MS, `${ms} ms`);
  } finally {
    silent.close();
  }
  for (const pause of [700, 1100, 1500]) {
    const running = house.start(['dev']);
    await new Promise((resolve) => setTimeout(resolve, pause));
    const { status, ms } = await stop(running);
    // Before the program is loaded nobody listens to signals, and nothing has begun.
    if (running.output() !== '' || status !== 'SIGTERM') assert.equal(status, 0, running.output());
    assert.ok(ms < STOP_MS, `${ms} ms`);
  }
});

test('SIGTERM during builds ends the worker within five seconds, and the next one attaches to the builds', async (t) => {
  const house = await withHouse(t);
  const fleet = await withFleet(t, { hosts: ['athena', 'kyushu'].map((name) => ({ name, seconds: 8 })) });
  await fleet.moveInput('alpha');
  const dev = await house.dev();
  const update = house.start(['update', fleet.checkout, '--json']);
  await systemsBuilding(fleet, 2);
  // The command would start a worker of its own.
  process.kill(update.pid, 'SIGKILL');
  const { status, ms } = await stop(dev);
  assert.equal(status, 0, dev.output());
  assert.ok(ms < STOP_MS, `${ms} ms`);

  await house.dev();
  const watch = await house.lockkeeper(['watch', 'latest', '--json']);
  assert.equal(watch.exitCode, 0, watch.stderr);
  assert.equal((JSON.parse(watch.stdout) as Report).outcome, 'landed');
  const builds = await fleet.builds();
  assert.equal(new Set(builds).size, builds.length, `a derivation was built twice: ${builds.join(', ')}`);
});

const systemsBuilding = (fleet: Fleet, count: number): Promise<void> =>
  until(async () => (await fleet.builds()).filter((line) => line.startsWith('system')).length === count, 60_000);

test('health and metrics are served on their ports', async (t) => {
  const house = await withHouse(t);
  const [healthPort, metricsPort] = [await freePort(), await freePort()];
  const dev = await house.dev('--health-port', String(healthPort), '--metrics-port', String(metricsPort));
  const health = `http://127.0.0.1:${healthPort}`;
  const { healthUrl, slots, evaluationSlots } = await house.worker();
  assert.equal(healthUrl, health);
  assert.equal(slots, Math.max(4, cpus().length), 'a build for each core, and at least four');
  assert.equal(evaluationSlots, Math.max(1, Math.floor(totalmem() / 2 ** 32)), 'an evaluation for each 4 GiB');
  await until(async () => (await ask(`${health}/readyz`)).status === 200, 10_000);
  const alive = await ask(`${health}/healthz`);
  assert.equal(alive.status, 200);
  const { workers } = JSON.parse(alive.text) as { readonly workers: Readonly<Record<string, string>> };
  assert.equal(workers.lockkeeper, 'RUNNING');
  assert.equal(workers['lockkeeper-evaluate'], 'RUNNING');
  assert.equal((await ask(`${health}/other`)).status, 404);

  // A metric is there once something was measured.
  const metrics = async (): Promise<string> => (await ask(`http://127.0.0.1:${metricsPort}/metrics`)).text;
  await until(async () => (await metrics()).includes('temporal_worker_task_slots_available'), 20_000);
  assert.match(await metrics(), /^# TYPE temporal_worker_task_slots_available gauge$/m);
  assert.match(await metrics(), /^temporal_worker_task_slots_available\{[^}]*task_queue="lockkeeper"[^}]*\} \d+$/m);
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }] });
  await fleet.moveInput('alpha');
  assert.equal((await house.update(fleet.checkout)).exitCode, 0);
  await until(async () => (await metrics()).includes('temporal_activity_schedule_to_start_latency'), 20_000);

  const ended = stop(dev);
  // While it stops it is not ready; it may be gone before it is asked.
  await until(async () => [0, 503].includes((await ask(`${health}/readyz`)).status), STOP_MS);
  assert.equal((await ended).status, 0);
});

test('log lines are for people, or JSON objects for programs', async (t) => {
  const house = await withHouse(t);
  const json = await house.dev('--log-format', 'json');
  await stop(json);
  const lines = json
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  assert.ok(lines.some(({ level, message }) => level === 'info' && message === 'the worker is ready'));
  for (const { time, level, message } of lines) {
    assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.match(String(level), /^(trace|debug|info|warn|error)$/);
    assert.equal(typeof message, 'string');
  }
  const others = json
    .output()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('{'));
  assert.deepEqual(others, [], 'each line is an object');

  const text = await house.dev();
  await stop(text);
  const ready = text
    .output()
    .split('\n')
    .find((line) => line.includes('the worker is ready'));
  assert.match(ready ?? '', /^\S+Z INFO +the worker is ready server=127\.0\.0\.1:\d+ ui=http:\S+ queues=lockkeeper, /);
});

test('bad options are refused with one message and exit status 1', async (t) => {
  const house = await withHouse(t);
  const bad: readonly (readonly [args: readonly string[], message: RegExp])[] = [
    [['--slots', '0'], /--slots.*from 1 to 1000/],
    [['--slots', 'many'], /--slots.*from 1 to 1000/],
    [['--eval-slots', '1.5'], /--eval-slots.*from 1 to 1000/],
    [['--roles', 'builder,cook'], /--roles.*coordinator, builder/],
    [['--roles', ''], /--roles.*coordinator, builder/],
    [['--systems', 'x86_64-linux; rm'], /--systems.*x86_64-linux/],
    [['--health-port', '70000'], /--health-port.*0 to 65535/],
    [['--metrics-port', '0'], /--metrics-port.*1 to 65535/],
    [['--log-format', 'xml'], /--log-format.*text, json/],
    [['--colour'], /unknown option '--colour'/],
    [['more'], /too many arguments/],
  ];
  await Promise.all(
    bad.map(async ([args, message]) => {
      const { exitCode, stderr, stdout } = await house.lockkeeper(['worker', ...args]);
      assert.equal(exitCode, 1, args.join(' '));
      assert.equal(stdout, '');
      assert.match(stderr, /^[^\n]+\n$/, args.join(' '));
      assert.match(stderr, message);
    }),
  );
});

test('a port that is taken is told by its option', async (t) => {
  const house = await withHouse(t);
  const other = createServer();
  await new Promise<void>((resolve) =>
    other.listen(0, '127.0.0.1', () => {
      resolve();
    }),
  );
  const { port } = other.address() as AddressInfo;
  try {
    for (const option of ['--health-port', '--metrics-port']) {
      const { exitCode, stderr } = await house.lockkeeper(['dev', option, String(port)]);
      assert.equal(exitCode, 1, stderr);
      assert.match(stderr, new RegExp(`^lockkeeper: [^\\n]+127\\.0\\.0\\.1:${port}[^\\n]+another ${option}\\n$`));
    }
  } finally {
    other.close();
  }
});

test('roles split over two machines: the builder builds, and its logs are read from there', async (t) => {
  const house = await withHouse(t);
  const builder = await withHouse(t);
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }, { name: 'rhea', fail: 'build' }] });
  await fleet.moveInput('alpha');
  await house.dev('--roles', 'coordinator');
  const far = builder.start(['worker', '--roles', 'builder'], { env: await reaching(house) });
  await until(
    () => far.output().includes('the worker is ready'),
    30_000,
    () => far.output(),
  );
  const { machine } = await builder.worker();
  assert.notEqual((await house.worker()).machine, machine);

  const { report, exitCode } = await house.update(fleet.checkout, '--require', 'athena');
  assert.equal(exitCode, 0);
  assert.equal(report.outcome, 'landed');
  assert.deepEqual(
    report.targets.map((target) => [target.name, target.verdict, target.machine]),
    [
      ['athena', 'built', machine],
      ['rhea', 'build-failed', machine],
    ],
  );
  for (const { logPath } of report.targets) assert.ok(logPath?.startsWith(builder.state.root), String(logPath));
  const logs = await house.lockkeeper(['logs', report.run, 'rhea']);
  assert.equal(logs.exitCode, 0, logs.stderr);
  assert.match(logs.stdout, /building rhea[^]*option boot\.loader of rhea is gone/);

  assert.equal((await stop(far)).status, 0);
  const gone = await house.lockkeeper(['logs', report.run, 'rhea']);
  assert.equal(gone.exitCode, 1);
  assert.match(gone.stderr, new RegExp(machine), 'the machine that is away is named');
  assert.ok(await isAlive((await house.server()).server));
});
