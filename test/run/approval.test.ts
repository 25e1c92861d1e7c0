import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunProgress } from '../../model/progress/progress.js';
import { withFleet, type Fleet } from '../support/fleet.js';
import { git } from '../support/git.js';
import { until, type Running } from '../support/lockkeeper.js';
import { runInPhase, withServedHouse } from '../support/runs.js';
import { wholeFile } from '../support/scope.js';

const { house, client } = await withServedHouse(wholeFile);

interface Asking {
  readonly running: Running;
  readonly run: string;
  readonly commit: string;
  /** Until when it waits, ISO 8601. */
  readonly deadline: string;
}

/** Starts an update that asks, and waits until it does. */
async function asking(fleet: Fleet, ...args: string[]): Promise<Asking> {
  await fleet.moveInput('alpha');
  const running = house.start(['update', fleet.checkout, '--approve', '--json', ...args]);
  const { run, approval } = await runInPhase(client, 'waiting-for-approval', running);
  return { running, run, commit: approval?.commit ?? '', deadline: approval?.deadline ?? '' };
}

test('what was approved is what lands, and who approved it is in the report', async (t) => {
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }] });
  const { running, run, commit, deadline } = await asking(fleet);
  const days = (Date.parse(deadline) - Date.now()) / 86_400_000;
  assert.ok(days > 6.9 && days <= 7, `${days} days to decide`);
  assert.deepEqual(Object.keys(await fleet.branches()), ['main'], 'nothing lands before');
  const status = await house.lockkeeper(['status', run]);
  assert.match(status.stdout + status.stderr, /lockkeeper approve/, 'what waits says how to answer');

  const approved = await house.lockkeeper(['approve', 'latest', '-m', 'looks fine']);
  assert.equal(approved.exitCode, 0, approved.stderr);
  assert.match(approved.stdout + approved.stderr, new RegExp(commit.slice(0, 12)), 'the commit is shown');
  const report = await running.report();
  assert.equal(report.head, commit);
  assert.equal(report.approval?.decision, 'approved');
  assert.equal(report.approval.comment, 'looks fine');
  assert.ok(Object.values(await fleet.branches()).includes(commit));

  const late = await house.lockkeeper(['approve', run]);
  assert.equal(late.exitCode, 1);
});

test('an update that is carried over is asked about again when it moves something else, and not when it moves the same', async (t) => {
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }] });
  await fleet.moveInput('beta');
  const { running, run, commit } = await asking(fleet, '--land', 'merge');
  await fleet.pushUpdate(['beta']);
  assert.equal((await house.lockkeeper(['approve', run, '-m', 'both'])).exitCode, 0);
  const progress = (): Promise<RunProgress> => client.workflow.getHandle(run).query<RunProgress>('progress');
  await until(async () => ![undefined, commit].includes((await progress()).approval?.commit), 60_000, running.output);
  const { moved, approval, waitsFor } = await progress();
  assert.match(
    waitsFor ?? '',
    /^approval of .* \(again: main has moved, and the update with it\): lockkeeper approve /,
  );
  assert.deepEqual(
    moved.map(({ name }) => name),
    ['alpha'],
    'a colleague has moved beta',
  );
  const colleague = await fleet.pushToMain({ 'NOTES.md': 'nothing to do with it\n' });
  assert.equal((await house.lockkeeper(['approve', run, '-m', 'alpha alone'])).exitCode, 0);
  const report = await running.report();
  assert.equal(report.landed?.mode, 'merge');
  assert.deepEqual(await fleet.branches(), { main: report.head });
  assert.equal(report.base, colleague);
  assert.deepEqual(
    [report.approval?.commit, report.approval?.comment],
    [approval?.commit, 'alpha alone'],
    'the last one that a person has seen',
  );
  assert.notEqual(report.head, approval?.commit);
});

test('latest is the only run that waits: with several, and with the beginning of several ids, they are named instead', async (t) => {
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }] });
  const { running, run } = await asking(fleet);
  const second = await withFleet(t, { hosts: [{ name: 'rhea' }] });
  await second.moveInput('alpha');
  const other = house.start(['update', second.checkout, '--approve', '--json']);
  const { run: another } = await runInPhase(client, 'waiting-for-approval', other, [run]);
  for (const [name, why] of [
    ['latest', /2 runs are waiting for approval: name one of /],
    ['update-', /"update-" is the beginning of \d+ runs: /],
  ] as const) {
    const refused = await house.lockkeeper(['approve', name]);
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, why);
    for (const id of [run, another]) assert.ok(refused.stderr.includes(id), refused.stderr);
  }
  assert.equal((await house.lockkeeper(['reject', another])).exitCode, 0);
  assert.equal(await other.ended, 4);
  assert.equal((await house.lockkeeper(['approve', 'latest'])).exitCode, 0);
  assert.equal(await running.ended, 0);
});

test('a decision on another commit is refused with the reason', async (t) => {
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }] });
  const { running, run, commit } = await asking(fleet);
  const handle = client.workflow.getHandle(run);
  const wrong = { by: 'eve', commit: '0'.repeat(40), comment: null };
  await assert.rejects(handle.executeUpdate('approve', { args: [wrong] }), (error: Error) =>
    String(error.cause).includes('waits for'),
  );
  await handle.signal('approve', wrong);
  const progress = await handle.query<RunProgress>('progress');
  assert.equal(progress.phase, 'waiting-for-approval');
  assert.match(progress.waitsFor ?? '', /ignored a signal/);
  // What somebody else has sent, sent again as the other decision: its proof holds.
  await assert.rejects(
    handle.executeUpdate('approve', { args: [{ ...wrong, commit, decision: 'reject' }] }),
    (error: Error) => /the decision was made to reject run .* sent it again to approve it/.test(String(error.cause)),
  );
  await handle.signal('reject', { ...wrong, commit, decision: 'approve' });
  await handle.signal('approve', { ...wrong, commit });
  assert.equal(await running.ended, 0);
});

test('a rejected run ends with exit status 4 and lands nothing', async (t) => {
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }] });
  const { running, run } = await asking(fleet);
  const rejected = await house.lockkeeper(['reject', run, '-m', 'not on a Friday']);
  assert.equal(rejected.exitCode, 0, rejected.stderr);
  assert.equal(await running.ended, 4);
  assert.match(running.stdout(), /not on a Friday/);
  assert.deepEqual(Object.keys(await fleet.branches()), ['main']);
});

test('a run that nobody answers expires with exit status 4', async (t) => {
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }] });
  const { running } = await asking(fleet, '--approval-deadline', '2s');
  assert.equal(await running.ended, 4);
  assert.match(running.stdout(), /"expired"/);
  assert.deepEqual(Object.keys(await fleet.branches()), ['main']);
});

test('an update of the same repository attaches when it asks the same, and is refused when it asks something else', async (t) => {
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }] });
  const { running, run } = await asking(fleet);
  const other = await house.lockkeeper(['update', fleet.checkout, '--dry-run']);
  assert.equal(other.exitCode, 1);
  assert.match(other.stderr, new RegExp(run));

  const same = house.start(['update', fleet.checkout, '--approve', '--json']);
  await until(() => same.output().includes(run), 10_000, same.output);
  await house.lockkeeper(['approve', run]);
  assert.equal(await running.ended, 0);
  assert.equal((await same.report()).run, run);
});

test('an input that upstream took back to an older revision is named to the one who approves', async (t) => {
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }] });
  const alpha = fleet.inputs.alpha ?? '';
  const before = await git(alpha, 'rev-parse', 'HEAD');
  // Git dates commits to the second.
  await sleep(1100);
  await fleet.moveInput('alpha');
  await fleet.pushUpdate(['alpha']);
  await git(alpha, 'reset', '--quiet', '--hard', before);
  const running = house.start(['update', fleet.checkout, '--approve', '--json']);
  const { run, waitsFor } = await runInPhase(client, 'waiting-for-approval', running);
  assert.match(waitsFor ?? '', /alpha would go back to an older revision/);
  const rejected = await house.lockkeeper(['reject', run]);
  assert.equal(rejected.exitCode, 0, rejected.stderr);
  const { inputs } = await running.report(4);
  assert.deepEqual(
    inputs.map(({ name, goesBack }) => [name, goesBack]),
    [['alpha', true]],
  );
});
