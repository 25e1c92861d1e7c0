import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Report } from '../../model/report/data.js';
import { withMovedFleet, type Fleet } from '../support/fleet.js';
import { writeInstances } from '../support/instances.js';
import { until } from '../support/lockkeeper.js';
import { withServedHouse } from '../support/runs.js';
import { wholeFile } from '../support/scope.js';

const { house, client } = await withServedHouse(wholeFile);

const EVERY_FIVE_SECONDS = 'schedule = "*:*:0/5"\nrandomizedDelaySec = 0\npersistent = false\n';

const configured = (fleet: Fleet, name: string, options: string): Promise<readonly string[]> =>
  writeInstances(house, fleet, undefined, name, `[defaults.approval]\nenable = true\n[instances.${name}]\n${options}`);

async function lockkeeper(...args: readonly string[]): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const { exitCode, stdout, stderr } = await house.lockkeeper([...args]);
  assert.equal(exitCode, 0, stderr);
  return { stdout, stderr };
}

/** Runs that the schedule of an instance started, the oldest first. */
async function scheduled(instance: string, status = ''): Promise<readonly string[]> {
  const found: string[] = [];
  const query = `TemporalScheduledById = "lockkeeper-${instance}"${status === '' ? '' : ` AND ExecutionStatus = "${status}"`}`;
  for await (const { workflowId } of client.workflow.list({ query })) found.push(workflowId);
  return found.toSorted();
}

async function untilTwoAreLeftOut(instance: string): Promise<void> {
  const schedule = client.schedule.getHandle(`lockkeeper-${instance}`);
  const leftOut = async (): Promise<number> => (await schedule.describe()).info.numActionsSkippedOverlap;
  const before = await leftOut();
  await until(
    async () => (await leftOut()) >= before + 2,
    60_000,
    () => 'nothing was left out',
  );
}

/** What `lockkeeper list` says of a run. */
const listed = ({ stdout }: { readonly stdout: string }, run: string): string | undefined =>
  stdout
    .split('\n')
    .find((line) => line.startsWith(run))
    ?.split(/ {2,}/)[1];

async function untilWaiting(run: string): Promise<void> {
  let state = '';
  await until(
    async () => {
      const { stdout } = await house.lockkeeper(['status', run, '--json']);
      state = stdout;
      return stdout.includes('"waiting-for-approval"');
    },
    60_000,
    () => `${run}: ${state}`,
  );
}

async function first(instance: string): Promise<string> {
  let runs: readonly string[] = [];
  await until(
    async () => (runs = await scheduled(instance)).length > 0,
    60_000,
    () => 'no run was started',
  );
  const [run = ''] = runs;
  await untilWaiting(run);
  return run;
}

const outcomeOf = async (run: string): Promise<Report['outcome']> => {
  const { stdout, stderr } = await house.lockkeeper(['watch', run, '--json']);
  assert.notEqual(stdout, '', stderr);
  return (JSON.parse(stdout) as Report).outcome;
};

test('with "skip" a schedule leaves out what is due while a run waits for approval, and starts the next one after that', async (t) => {
  const fleet = await withMovedFleet(t, { hosts: [{ name: 'athena' }] }, ['alpha']);
  const flags = await configured(fleet, 'skips', `overlap = "skip"\n${EVERY_FIVE_SECONDS}`);
  await lockkeeper('apply', ...flags);
  const run = await first('skips');
  await untilTwoAreLeftOut('skips');
  assert.deepEqual(await scheduled('skips'), [run], 'it is the only run');
  assert.match((await lockkeeper('schedules')).stdout, /skips .* waiting for approval/);

  const byHand = await lockkeeper('run', 'skips', ...flags);
  assert.equal(byHand.stdout.trim(), run);
  assert.match(
    byHand.stderr,
    new RegExp(`No new run: ${run} \\(waiting for approval\\) does this very update already`),
  );
  const other = await configured(fleet, 'skips', `overlap = "skip"\nautoMerge = true\n${EVERY_FIVE_SECONDS}`);
  const skipped = await lockkeeper('run', 'skips', ...other);
  assert.equal(skipped.stdout.trim(), run);
  assert.match(
    skipped.stderr,
    new RegExp(
      `Skipped \\(overlap = "skip"\\): ${run} \\(waiting for approval\\) of this instance is open; it was asked: land branch`,
    ),
  );

  await lockkeeper('reject', run, '--yes');
  assert.equal(await outcomeOf(run), 'rejected');
  await until(
    async () => (await scheduled('skips')).length > 1,
    60_000,
    () => 'no run was started after it',
  );
  await lockkeeper('schedules', 'pause', 'skips');
  for (const open of await scheduled('skips', 'Running')) await lockkeeper('cancel', open);
});

test('with "wait" a schedule starts one run after the one that waits for approval, of all that were due meanwhile', async (t) => {
  const fleet = await withMovedFleet(t, { hosts: [{ name: 'athena' }] }, ['alpha']);
  const flags = await configured(fleet, 'waits', EVERY_FIVE_SECONDS);
  await lockkeeper('apply', ...flags);
  const run = await first('waits');
  // The first that is due is kept for later, and only those after it are left out.
  await untilTwoAreLeftOut('waits');
  assert.deepEqual(await scheduled('waits'), [run]);
  const behind = await lockkeeper('run', 'waits', ...(await configured(fleet, 'waits', 'autoMerge = true')));
  assert.match(
    behind.stderr,
    new RegExp(`It waits its turn behind ${run} \\(waiting for approval\\), for at most 1 h 00 min before it fails\\.`),
  );
  await until(
    async () => listed(await lockkeeper('list'), behind.stdout.trim()) === 'waiting for repository',
    30_000,
    () => 'the list does not show what it waits for',
  );
  await lockkeeper('cancel', behind.stdout.trim());

  const rejectedAt = new Date().toISOString();
  await lockkeeper('reject', run, '--yes');
  await until(
    async () => (await scheduled('waits')).length > 1,
    60_000,
    () => 'the one that was kept did not start',
  );
  await lockkeeper('schedules', 'pause', 'waits');
  const [, kept = ''] = await scheduled('waits');
  assert.ok(kept.slice(-20) < rejectedAt, `${kept} was due before ${rejectedAt}`);
  for (const open of await scheduled('waits', 'Running')) await lockkeeper('cancel', open);
});
