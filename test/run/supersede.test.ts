import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COORDINATOR_QUEUE } from '../../model/run/queues.js';
import type { RunProgress } from '../../model/progress/progress.js';
import type { Report } from '../../model/report/data.js';
import type { RunOptions } from '../../model/run/options.js';
import { withMovedFleet, type Fleet } from '../support/fleet.js';
import { writeInstances } from '../support/instances.js';
import { until } from '../support/lockkeeper.js';
import { ntfyMissing, withNtfy } from '../support/ntfy.js';
import { withServedHouse } from '../support/runs.js';
import { type Scope, wholeFile } from '../support/scope.js';

const { house, client } = await withServedHouse(wholeFile);
const ntfy = ntfyMissing === false ? await withNtfy(wholeFile) : undefined;

const withUpdate = (scope: Scope, seconds = 0): Promise<Fleet> =>
  withMovedFleet(scope, { hosts: [{ name: 'athena', seconds }] }, ['alpha']);

/** Writes a configuration whose instances ask for approval, and gives the flag that names it. */
const configured = (fleet: Fleet, name: string, toml: string): Promise<readonly string[]> =>
  writeInstances(house, fleet, ntfy, name, `randomizedDelaySec = 0\n[defaults.approval]\nenable = true\n${toml}`);

interface Started {
  readonly run: string;
  readonly isNew: boolean;
}

const start = async (instance: string, flags: readonly string[]): Promise<Started> => {
  const { exitCode, stdout, stderr } = await house.lockkeeper(['run', instance, '--json', ...flags]);
  assert.equal(exitCode, 0, stderr);
  return JSON.parse(stdout) as Started;
};

const progressOf = (run: string): Promise<RunProgress> => client.workflow.getHandle(run).query<RunProgress>('progress');

async function inPhase(run: string, phase: RunProgress['phase']): Promise<RunProgress> {
  let progress: RunProgress | undefined;
  await until(
    async () => (progress = await progressOf(run)).phase === phase,
    60_000,
    () => `${run} is ${progress?.phase ?? 'not there'}: ${progress?.waitsFor ?? ''}`,
  );
  assert.ok(progress !== undefined);
  return progress;
}

/** Waits until a run says that another one holds the repository. */
async function heldBy(run: string, holder: string): Promise<void> {
  let waitsFor = '';
  await until(
    async () => (waitsFor = (await progressOf(run)).waitsFor ?? '').includes(`is held by ${holder}`),
    30_000,
    () => `${run} waits for ${waitsFor}`,
  );
}

const reportOf = async (run: string): Promise<Report & { readonly exitStatus: number }> => {
  const { stdout, stderr } = await house.lockkeeper(['watch', run, '--json']);
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout) as Report & { readonly exitStatus: number };
};

/** When a run took the repository, in milliseconds since 1970. */
async function tookRepository(run: string): Promise<number> {
  const { events } = await client.workflow.getHandle(run).fetchHistory();
  const taken = events?.find(
    (event) =>
      event.childWorkflowExecutionStartedEventAttributes?.workflowExecution?.workflowId?.startsWith(
        'lockkeeper-repository-',
      ) === true,
  );
  return Number(taken?.eventTime?.seconds) * 1000 + Number(taken?.eventTime?.nanos) / 1e6;
}

const closedAt = async (run: string): Promise<number> =>
  (await client.workflow.getHandle(run).describe()).closeTime?.getTime() ?? NaN;

test('a run that waits for approval gives way to a newer one of its instance, which takes the repository after it', async (t) => {
  const fleet = await withUpdate(t);
  const flags = await configured(fleet, 'gives-way', '[instances.nightly]\noverlap = "supersede"\n');
  const older = await start('nightly', flags);
  await inPhase(older.run, 'waiting-for-approval');
  await fleet.moveInput('beta');
  const newer = await start('nightly', flags);
  assert.deepEqual([older.isNew, newer.isNew], [true, true]);

  const given = await reportOf(older.run);
  assert.deepEqual(
    [given.outcome, given.supersededBy, given.approval, given.landed, given.exitStatus],
    ['superseded', newer.run, null, null, 4],
  );
  assert.match(
    (await house.lockkeeper(['report', older.run])).stdout,
    new RegExp(`Gave way to ${newer.run}, nothing pushed`),
  );
  await inPhase(newer.run, 'waiting-for-approval');
  assert.ok((await tookRepository(newer.run)) >= (await closedAt(older.run)), 'one run holds the repository');
  const refused = await house.lockkeeper(['approve', older.run, '--yes']);
  assert.equal(refused.exitCode, 1, 'who comes late with an approval is told');
  const approved = await house.lockkeeper(['approve', newer.run, '--yes']);
  assert.equal(approved.exitCode, 0, approved.stderr);
  const landed = await reportOf(newer.run);
  assert.deepEqual([landed.outcome, landed.inputs.map(({ name }) => name)], ['landed', ['alpha', 'beta']]);
  if (ntfy !== undefined)
    assert.deepEqual(
      (await ntfy.messages('gives-way')).map(({ title }) => String(title).split(':')[0]),
      [
        '✋ Waiting for approval',
        `🚫 Gave way to ${newer.run}, nothing pushed`,
        '✋ Waiting for approval',
        '✅ Landed',
      ],
    );
});

test('a run that is still building is not started twice, and gives way only when it asks for approval', async (t) => {
  const fleet = await withUpdate(t, 6);
  const flags = await configured(fleet, 'builds', '[instances.builds]\noverlap = "supersede"\n');
  const older = await start('builds', flags);
  assert.deepEqual(await start('builds', flags), { ...older, isNew: false, problem: null });
  await until(async () => (await fleet.buildsOf('athena')) > 0, 60_000);
  // As a schedule does, which looks at no other run.
  const { args, memo } = await startedWith(older.run);
  const newer = 'builds-by-schedule';
  await client.workflow.start('updateFlake', { workflowId: newer, taskQueue: COORDINATOR_QUEUE, args, memo });
  await heldBy(newer, older.run);
  assert.equal((await reportOf(older.run)).supersededBy, newer);
  await inPhase(newer, 'waiting-for-approval');
  assert.ok((await tookRepository(newer)) >= (await closedAt(older.run)));
  assert.equal(await fleet.buildsOf('athena'), 1);
  await house.lockkeeper(['cancel', newer]);
});

/** What a run was started with, to start one like it. */
async function startedWith(
  run: string,
): Promise<{ readonly args: [RunOptions]; readonly memo: Record<string, unknown> }> {
  const { memo } = await client.workflow.getHandle(run).describe();
  const { events } = await client.workflow.getHandle(run).fetchHistory();
  const data = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0]?.data ?? new Uint8Array();
  return { args: [JSON.parse(Buffer.from(data).toString('utf8')) as RunOptions], memo: memo ?? {} };
}

test('of several runs that wait for the repository the newest stays, and the others end without a word', async (t) => {
  const fleet = await withUpdate(t);
  const flags = await configured(
    fleet,
    'in-line',
    '[instances.in-line]\noverlap = "supersede"\n[instances.in-line.approval]\nenable = false\n',
  );
  const first = await start('in-line', flags);
  const { args, memo } = await startedWith(first.run);
  await reportOf(first.run);
  const lock = await client.workflow.start('holdRepository', {
    workflowId: args[0].lockWorkflowId,
    taskQueue: COORDINATOR_QUEUE,
    // A lock whose run is over is none: this one stands for a run of its own.
    memo: { run: args[0].lockWorkflowId },
  });
  await fleet.moveInput('alpha');
  const names = ['1', '2', '3'].map((number) => `in-line-${number}`);
  for (const workflowId of names) {
    await client.workflow.start('updateFlake', { workflowId, taskQueue: COORDINATOR_QUEUE, args, memo });
    await inPhase(workflowId, 'waiting-for-repository');
  }
  const given = [await reportOf('in-line-1'), await reportOf('in-line-2')];
  assert.deepEqual(
    given.map(({ outcome, notifications }) => [outcome, notifications.length]),
    [
      ['superseded', 0],
      ['superseded', 0],
    ],
  );
  await lock.terminate('given back');
  assert.equal((await reportOf('in-line-3')).outcome, 'landed');
});

test('a run of another instance waits its turn, and by default a run that waits for approval stays', async (t) => {
  const fleet = await withUpdate(t);
  const flags = await configured(
    fleet,
    'others',
    '[instances.patient]\n[instances.other]\nbranchPrefix = "other-"\noverlap = "supersede"\n',
  );
  const patient = await start('patient', flags);
  await inPhase(patient.run, 'waiting-for-approval');
  assert.deepEqual(await start('patient', flags), { ...patient, isNew: false, problem: null });
  const other = await start('other', flags);
  await heldBy(other.run, patient.run);
  const given = { run: other.run, instance: 'other', startedAt: new Date(Date.now() + 60_000).toISOString() };
  await assert.rejects(
    client.workflow.getHandle(patient.run).executeUpdate('giveWay', { args: [given] }),
    (error: Error) => String(error.cause).includes('gives way to no such run'),
  );
  assert.equal((await progressOf(patient.run)).phase, 'waiting-for-approval');
  await house.lockkeeper(['reject', patient.run, '--yes']);
  await inPhase(other.run, 'waiting-for-approval');
  await house.lockkeeper(['cancel', other.run]);
});

test('a schedule starts the newer run while the older one waits for approval', async (t) => {
  const fleet = await withUpdate(t);
  const toml = '[instances.often]\noverlap = "supersede"\nschedule = "*:*:0/10"\npersistent = false\n';
  const flags = await configured(fleet, 'scheduled', toml);
  const applied = await house.lockkeeper(['apply', ...flags]);
  assert.equal(applied.exitCode, 0, applied.stderr);
  const superseded = async (): Promise<readonly string[]> => {
    const found: string[] = [];
    const query = 'TemporalScheduledById = "lockkeeper-often" AND ExecutionStatus = "Completed"';
    for await (const { workflowId } of client.workflow.list({ query })) found.push(workflowId);
    return found;
  };
  await until(
    async () => (await superseded()).length > 0,
    90_000,
    () => 'no run has ended',
  );
  await house.lockkeeper(['schedules', 'pause', 'often']);
  const [first = ''] = (await superseded()).toSorted();
  const report = await reportOf(first);
  assert.equal(report.outcome, 'superseded');
  assert.match(report.supersededBy ?? '', /^often-.*Z$/);
  await house.lockkeeper(['cancel', 'latest']);
  await house.lockkeeper(['apply', ...(await configured(fleet, 'scheduled', ''))]);
});
