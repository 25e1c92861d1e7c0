import assert from 'node:assert/strict';
import { readFile, readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { run as command } from '../../activities/command/process.js';
import { isAlive } from '../../host/processes.js';
import type { Report } from '../../model/report/data.js';
import type { WorkerRecord } from '../../model/machine/state-directory.js';
import { withMovedFleet, type Fleet } from '../support/fleet.js';
import { openHouse, until, withHouse } from '../support/lockkeeper.js';
import { wholeFile } from '../support/scope.js';

const house = await withHouse(wholeFile);
const THREE_HOSTS = { hosts: ['athena', 'kyushu', 'rhea'].map((name) => ({ name, seconds: 6 })) };

/** All three hosts are building. */
const building = (fleet: Fleet): Promise<void> =>
  until(async () => (await fleet.builds()).filter((line) => line.startsWith('system')).length === 3, 40_000);

/** One branch at the report's head, and each derivation built exactly once. */
async function assertOnce(fleet: Fleet, stdout: string): Promise<void> {
  const report = JSON.parse(stdout) as Report;
  assert.equal(report.outcome, 'landed');
  const { main, ...others } = await fleet.branches();
  assert.equal(main, report.base);
  assert.deepEqual(Object.values(others), [report.head]);
  const builds = [...(await fleet.builds())].sort();
  assert.deepEqual(
    builds,
    ['athena', 'kyushu', 'rhea']
      .map((name) => `package ${name}`)
      .concat(['athena', 'kyushu', 'rhea'].map((name) => `system ${name}`)),
    'each derivation was built once',
  );
}

test('a worker killed in mid-build is started again, and the run ends as if nothing had happened', async (t) => {
  const fleet = await withMovedFleet(t, THREE_HOSTS, ['alpha']);
  const running = house.start(['update', fleet.checkout, '--json']);
  await building(fleet);
  const worker = await house.worker();
  process.kill(worker.pid, 'SIGKILL');
  assert.equal(await running.ended, 0, running.output());
  assert.notEqual((await house.worker()).pid, worker.pid);
  await assertOnce(fleet, running.stdout());
});

test(
  'a state directory on another file system than the store and the temporary files serves as well',
  { skip: (await statfs('/dev/shm').catch(() => null)) === null ? 'no /dev/shm' : false },
  async (t) => {
    const fleet = await withMovedFleet(t, THREE_HOSTS, ['alpha']);
    const elsewhere = await withHouse(t, { parent: '/dev/shm' });
    assert.notEqual((await stat(elsewhere.root)).dev, (await stat(fleet.root)).dev);
    const running = elsewhere.start([
      'update',
      fleet.checkout,
      '--json',
      '--gate',
      'marked=touch mark && test -e mark',
    ]);
    await building(fleet);
    process.kill((await elsewhere.worker()).pid, 'SIGKILL');
    assert.equal(await running.ended, 0, running.output());
    await assertOnce(fleet, running.stdout());
  },
);

test('the embedded server and its keeper killed in mid-build are started again', async (t) => {
  const fleet = await withMovedFleet(t, THREE_HOSTS, ['alpha']);
  const running = house.start(['update', fleet.checkout, '--json']);
  await building(fleet);
  const { keeper, server } = await house.server();
  process.kill(keeper.pid, 'SIGKILL');
  process.kill(server.pid, 'SIGKILL');
  assert.equal(await running.ended, 0, running.output());
  await assertOnce(fleet, running.stdout());
});

/** The run ends without a command, and then its worker ends as well. */
async function endsAlone(fleet: Fleet, worker: WorkerRecord): Promise<void> {
  const reports = async (): Promise<readonly string[]> =>
    (await readdir(house.state.reports).catch(() => [])).map((file) => join(house.state.reports, file));
  const before = await reports();
  const fresh = async (): Promise<readonly string[]> => (await reports()).filter((file) => !before.includes(file));
  await until(
    async () => (await fresh()).length === 1,
    60_000,
    () => 'the run does not end',
  );
  await assertOnce(fleet, await readFile((await fresh())[0] ?? '', 'utf8'));
  await until(
    async () => !(await isAlive(worker)),
    20_000,
    () => 'the worker outlives what needed it',
  );
}

test('after Ctrl-C, with exit status 130, the run goes on to its end, and the same command would have followed it', async (t) => {
  const fleet = await withMovedFleet(t, THREE_HOSTS, ['alpha']);
  const first = house.start(['update', fleet.checkout, '--json']);
  await building(fleet);
  process.kill(first.pid, 'SIGINT');
  assert.equal(await first.ended, 130, first.output());
  assert.match(
    first.output(),
    /goes on\. Follow it again with "lockkeeper update .*", or end it with "lockkeeper cancel /,
  );
  const second = house.start(['update', fleet.checkout, '--json']);
  await until(() => /attached to[^]*Temporal UI: /.test(second.output()), 20_000, second.output);
  process.kill(second.pid, 'SIGINT');
  assert.equal(await second.ended, 130, second.output());
  await endsAlone(fleet, await house.worker());
});

test(
  'when the terminal is closed, the run goes on to its end',
  {
    skip:
      (await command('python3', ['-c', 'import pty'])).exitCode === 0 ? false : 'no python3 to open a terminal with',
  },
  async (t) => {
    const fleet = await withMovedFleet(t, THREE_HOSTS, ['alpha']);
    const terminal = await openHouse({ startedBy: ['python3', '-c', 'import pty, sys; pty.spawn(sys.argv[1:])'] });
    const running = terminal.start(['update', fleet.checkout], { env: { LOCKKEEPER_STATE_DIR: house.state.root } });
    await building(fleet);
    const worker = await house.worker();
    // The terminal is gone with the process that holds it: its kernel side hangs up.
    process.kill(running.pid, 'SIGKILL');
    await running.ended;
    await endsAlone(fleet, worker);
    await terminal.close();
  },
);

test('a command that follows a run brings a worker where it has none, and says so', async (t) => {
  const fleet = await withMovedFleet(t, THREE_HOSTS, ['alpha']);
  const first = house.start(['update', fleet.checkout, '--json']);
  await building(fleet);
  for (const pid of [first.pid, (await house.worker()).pid]) process.kill(pid, 'SIGKILL');
  await until(
    async () => {
      const { stdout, stderr } = await house.lockkeeper(['list']);
      return (
        stdout.includes('running') &&
        /nobody works on (\S+): .*; type "lockkeeper watch \1", which brings one/.test(stderr)
      );
    },
    20_000,
    () => 'list does not say it',
  );
  const doctor = await house.lockkeeper(['doctor']);
  assert.match(
    doctor.stdout,
    /! warn {2}runs +nobody works on \S+: no worker polls the queue lockkeeper\n +→ type "lockkeeper watch /,
  );
  const status = await house.lockkeeper(['status', 'latest']);
  assert.match(status.stdout, /no worker polls the queue lockkeeper: type "lockkeeper watch \S+", which brings one/);
  const watched = await house.lockkeeper(['watch', 'latest', '--json']);
  assert.match(watched.stderr, /^Started a worker here: it goes on without this command/m);
  assert.equal(watched.exitCode, 0, watched.stderr);
  await assertOnce(fleet, watched.stdout);
});

test('the worker of a run that waits for approval ends, and approving brings one that lands it without the command', async (t) => {
  const fleet = await withMovedFleet(t, THREE_HOSTS, ['alpha']);
  const first = house.start(['update', fleet.checkout, '--approve', '--json']);
  const worker = async (): Promise<boolean> => {
    const record = await house.worker().catch(() => null);
    return record !== null && (await isAlive(record));
  };
  await until(() => first.output().includes('waiting'), 60_000, first.output);
  await building(fleet);
  process.kill(first.pid, 'SIGINT');
  assert.equal(await first.ended, 130);
  await until(
    async () => !(await worker()),
    60_000,
    () => 'the worker stays, although a person is waited for',
  );
  const { stderr } = await house.lockkeeper(['list']);
  assert.doesNotMatch(stderr, /nobody works/, 'nobody has to');
  const approved = await house.lockkeeper(['approve', 'latest', '--yes']);
  assert.equal(approved.exitCode, 0, approved.stderr);
  assert.match(approved.stderr, /^Started a worker here/m);
  assert.match(approved.stdout, /^Approved [0-9a-f]{12} of \S+\. Follow it with "lockkeeper watch /);
  await endsAlone(fleet, await house.worker());
});

test('the command, the worker and the server killed at once lose nothing', async (t) => {
  const fleet = await withMovedFleet(t, THREE_HOSTS, ['alpha']);
  const first = house.start(['update', fleet.checkout, '--json']);
  await building(fleet);
  const { keeper, server } = await house.server();
  const { pid } = await house.worker();
  for (const each of [first.pid, pid, keeper.pid, server.pid]) process.kill(each, 'SIGKILL');
  const second = house.start(['update', fleet.checkout, '--json']);
  assert.equal(await second.ended, 0, second.output());
  await assertOnce(fleet, second.stdout());
  const reported = await readFile(`${house.state.reports}/${(await second.report()).run}.json`, 'utf8');
  assert.equal((JSON.parse(reported) as Report).outcome, 'landed');
});
