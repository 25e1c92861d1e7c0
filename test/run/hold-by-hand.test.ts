import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { HOLD_BACK_INPUT, type HoldRequest } from '../../model/run/messages.js';
import type { RunProgress } from '../../model/progress/progress.js';
import type { Report } from '../../model/report/data.js';
import { withMovedFleet } from '../support/fleet.js';
import { runInPhase, withServedHouse } from '../support/runs.js';
import { wholeFile } from '../support/scope.js';

const INPUTS = ['alpha', 'beta', 'gamma'];

const { house, client } = await withServedHouse(wholeFile);

const movedIn = ({ inputs }: Report): readonly string[] => inputs.map(({ name }) => name);
const refused = async (run: string, input: string, why: RegExp): Promise<void> => {
  const { exitCode, stderr } = await house.lockkeeper(['hold', run, input]);
  assert.equal(exitCode, 1);
  assert.match(stderr, why);
};

test('an input that is held back while a run asks is out of the commit that it asks about next', async (t) => {
  const fleet = await withMovedFleet(t, {
    inputs: INPUTS,
    hosts: [{ name: 'athena' }, { name: 'rhea', input: 'beta' }],
  });
  const running = house.start(['update', fleet.checkout, '--approve', '--json']);
  const asked = await runInPhase(client, 'waiting-for-approval', running);
  await refused(asked.run, 'delta', /does not move delta: it moves alpha, beta, gamma/);

  const held = await house.lockkeeper(['hold', asked.run, 'alpha', '-m', 'known to be bad']);
  assert.equal(held.exitCode, 0, held.stderr);
  const { head: shown, phase } = await client.workflow.getHandle(asked.run).query<RunProgress>('progress');
  assert.ok(phase !== 'waiting-for-approval' || shown !== asked.head, 'nobody is asked about it any more');
  const repeated = await house.lockkeeper(['hold', asked.run, 'alpha']);
  assert.equal(repeated.exitCode, 0, 'a repeat is harmless');
  const again = await runInPhase(client, 'waiting-for-approval', running);
  assert.notEqual(again.head, asked.head);
  assert.deepEqual(
    again.moved.map(({ name }) => name),
    ['beta', 'gamma'],
  );

  const approved = await house.lockkeeper(['approve', asked.run, '--yes']);
  assert.equal(approved.exitCode, 0, approved.stderr);
  const report = await running.report();
  assert.equal(report.landed?.commit, again.head);
  assert.deepEqual(movedIn(report), ['beta', 'gamma']);
  assert.equal(report.heldBack[0]?.input, 'alpha');
  assert.match(report.heldBack[0].reason, /^held back by .+: known to be bad$/);
  await refused(asked.run, 'beta', /is over/);
});

test('a run that builds turns to the rest at once, and the last input cannot be taken from it', async (t) => {
  const fleet = await withMovedFleet(t, {
    inputs: INPUTS,
    hosts: [
      { name: 'athena', seconds: 600 },
      { name: 'rhea', input: 'beta' },
    ],
  });
  const begun = Date.now();
  const running = house.start(['update', fleet.checkout, '--dry-run', '--json']);
  const { run } = await runInPhase(client, 'verifying', running);
  // Athena is as on base then, and has to be built there as well: nobody waits for it.
  for (const input of ['alpha', 'gamma']) assert.equal((await house.lockkeeper(['hold', run, input])).exitCode, 0);
  await refused(run, 'beta', /beta is all that run .+ moves/);
  assert.equal((await house.lockkeeper(['cancel', run])).exitCode, 0);
  const report = await running.report(1);
  assert.equal(report.outcome, 'cancelled');
  assert.deepEqual(movedIn(report), ['beta']);
  assert.deepEqual(
    report.heldBack.map(({ input }) => input),
    ['alpha', 'gamma'],
  );
  assert.ok(Date.now() - begun < 300_000, 'no build was waited for');
});

test('an input that was taken from a run cannot be taken again, nor the last one, before the rest is committed', async (t) => {
  const fleet = await withMovedFleet(t, { inputs: INPUTS, hosts: [{ name: 'athena', seconds: 600 }] });
  const running = house.start(['update', fleet.checkout, '--dry-run', '--json']);
  const { run } = await runInPhase(client, 'verifying', running);
  const handle = client.workflow.getHandle(run);
  const hold = (input: string) =>
    handle.executeUpdate<string, [HoldRequest]>(HOLD_BACK_INPUT, { args: [{ by: 'ops', input, comment: null }] });
  const why = (reason: RegExp) => (error: unknown) => {
    assert.ok(error instanceof WorkflowUpdateFailedError);
    assert.match(error.cause?.message ?? '', reason);
    return true;
  };
  await hold('alpha');
  await hold('gamma');
  let moved: readonly string[];
  do {
    await assert.rejects(hold('alpha'), why(/does not move alpha: it moves beta$/));
    await assert.rejects(hold('beta'), why(/beta is all that run .+ moves/));
    moved = (await handle.query<RunProgress>('progress')).moved.map(({ name }) => name);
  } while (moved.length > 1);
  assert.deepEqual(moved, ['beta']);
  assert.equal((await house.lockkeeper(['cancel', run])).exitCode, 0);
  assert.equal(await running.ended, 1);
});

test('a pinned input stays until its day is over, and its reason is in the report', async (t) => {
  const fleet = await withMovedFleet(t, {
    inputs: INPUTS,
    hosts: [{ name: 'athena' }, { name: 'rhea', input: 'beta' }],
  });
  const pins = ['--pin', 'alpha 9999-12-31 zfs lags behind', '--pin', 'gamma 2026-01-01 long over'];
  const { exitCode, report, stderr } = await house.update(fleet.checkout, '--dry-run', ...pins);
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(movedIn(report), ['beta', 'gamma']);
  assert.deepEqual(
    report.heldBack.map(({ input, reason }) => [input, reason]),
    [['alpha', 'pinned until 9999-12-31: zfs lags behind']],
  );

  const all = INPUTS.flatMap((name) => ['--pin', `${name} 9999-12-31 frozen`]);
  const nothing = await house.update(fleet.checkout, '--dry-run', ...all);
  assert.equal(nothing.exitCode, 2, nothing.stderr);
  assert.equal(nothing.report.outcome, 'unchanged');
  assert.equal(nothing.report.heldBack.length, 3);

  for (const [pin, why] of [
    ['alpha soon because', /--pin "soon" is not a date/],
    ['alpha 2026-02-30 because', /--pin "2026-02-30" is not a date/],
    ['alpha', /is not an input, a last day and a reason/],
    ['omega 9999-12-31 unknown', /has no input omega/],
  ] as const) {
    const bad = await house.lockkeeper(['update', fleet.checkout, '--dry-run', '--pin', pin]);
    assert.equal(bad.exitCode, 1);
    assert.match(bad.stderr, why);
  }
});
