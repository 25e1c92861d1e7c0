import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Report } from '../../model/report/data.js';
import { withMovedFleet, type Fleet } from '../support/fleet.js';
import { until, withHouse, type House } from '../support/lockkeeper.js';
import { connectTo, runInPhase } from '../support/runs.js';
import type { Scope } from '../support/scope.js';

/** A house, and fleets whose updates are due. */
async function open(scope: Scope, count: number): Promise<readonly [House, readonly Fleet[]]> {
  const fleets: Fleet[] = [];
  while (fleets.length < count)
    fleets.push(await withMovedFleet(scope, { hosts: [{ name: 'athena', seconds: 3 }] }, ['alpha']));
  return [await withHouse(scope), fleets];
}

async function runsOf(house: House): Promise<readonly string[]> {
  return (await house.json<{ readonly run: string }[]>(['list'])).map(({ run }) => run);
}

for (const served of [false, true])
  test(`the same update typed four times in one instant is one run (${served ? 'a worker runs' : 'nothing runs yet'})`, async (t) => {
    const [house, [fleet]] = await open(t, 1);
    assert.ok(fleet);
    if (served) await house.dev();
    const all = [1, 2, 3, 4].map(() => house.start(['update', fleet.checkout, '--json']));
    const reports = await Promise.all(all.map((each) => each.report()));
    assert.deepEqual([...new Set(reports.map(({ run }) => run))], await runsOf(house));
    assert.equal(Object.keys(await fleet.branches()).length, 2, 'main and one update branch');
    assert.equal(await fleet.buildsOf('athena'), 1);
  });

test('of two different updates of one repository in one instant one runs, and the other says which', async (t) => {
  const [house, [fleet]] = await open(t, 1);
  assert.ok(fleet);
  const asked = [[], ['--dry-run']].map((more) => house.start(['update', fleet.checkout, '--json', ...more]));
  const ends = await Promise.all(asked.map(({ ended }) => ended));
  assert.deepEqual([...ends].sort(), [0, 1], asked.map((each) => each.output()).join('\n'));
  const [done, refused] = ends[0] === 0 ? asked : [...asked].reverse();
  assert.ok(done && refused);
  const { run } = await done.report();
  assert.match(refused.output(), /Another update of .* is running, with other options/);
  assert.match(refused.output(), new RegExp(`lockkeeper watch ${run}`));
  assert.deepEqual(await runsOf(house), [run]);
});

test('updates of two repositories of one name in one instant both land', async (t) => {
  const [house, fleets] = await open(t, 2);
  const all = fleets.map(({ checkout }) => house.start(['update', checkout, '--json']));
  const reports = await Promise.all(all.map((each) => each.report()));
  assert.equal(new Set(reports.map(({ run }) => run)).size, 2);
  for (const fleet of fleets) {
    const report = reports.find(({ repository }) => repository === fleet.remote);
    assert.ok(Object.values(await fleet.branches()).includes(report?.head ?? ''));
  }
});

test('without a worker, commands that look say so within five seconds, and one that decides brings a worker', async (t) => {
  const [house, [fleet]] = await open(t, 1);
  assert.ok(fleet);
  const dev = await house.dev();
  const client = await connectTo(house);
  const update = house.start(['update', fleet.checkout, '--approve', '--json']);
  const { run } = await runInPhase(client, 'waiting-for-approval', update);
  await client.connection.close();
  process.kill(update.pid, 'SIGKILL');
  await update.ended;
  process.kill(dev.pid, 'SIGKILL');
  await dev.ended;

  for (const args of [['status', run], ['status', run, '--json'], ['list']]) {
    const begun = Date.now();
    const { exitCode, stdout, stderr } = await house.lockkeeper(args);
    assert.equal(exitCode, 0, stderr);
    assert.ok(Date.now() - begun < 5000, `${args.join(' ')} took ${Date.now() - begun} ms`);
    if (args[0] === 'status') assert.match(stdout, /no worker polls the queue lockkeeper/);
    assert.match(stdout, /waiting[ -]for[ -]approval/, 'the server alone knows that');
  }
  const approved = await house.lockkeeper(['approve', run, '--json']);
  assert.equal(approved.exitCode, 0, approved.stderr);
  // The worker that it brought ends the run by itself.
  let report: Report | null = null;
  await until(async () => {
    const { exitCode, stdout } = await house.lockkeeper(['report', run, '--format', 'json']);
    report = exitCode === 0 ? (JSON.parse(stdout) as Report) : null;
    return report !== null;
  }, 60_000);
  assert.equal((report as Report | null)?.outcome, 'landed');
});
