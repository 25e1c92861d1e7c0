import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultPayloadConverter } from '@temporalio/common';
import { run as command } from '../../activities/command/process.js';
import { COORDINATOR_QUEUE } from '../../model/run/queues.js';
import type { RunOptions } from '../../model/run/options.js';
import { withFleet } from '../support/fleet.js';
import { until, withHouse } from '../support/lockkeeper.js';
import { connectTo, runInPhase } from '../support/runs.js';

test('the same update typed again after an upgrade follows the run that an earlier version started, and another one does not', async (t) => {
  const house = await withHouse(t);
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }] });
  await house.dev();
  const client = await connectTo(house);
  try {
    await fleet.moveInput('alpha');
    const fixing = ['update', fleet.checkout, '--approve', '--autofix', 'true'];
    const today = house.start(fixing);
    const { run } = await runInPhase(client, 'waiting-for-approval', today);
    const { events } = await client.workflow.getHandle(run).fetchHistory();
    const [payload] = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
    assert.ok(payload);
    await house.lockkeeper(['reject', run, '--yes']);
    await today.ended;

    const options: Partial<RunOptions> = defaultPayloadConverter.fromPayload(payload);
    const { network, nixDaemon, ...agent } = options.autofix ?? {};
    assert.deepEqual([network, nixDaemon], ['outside', false]);
    await client.workflow.start('updateFlake', {
      workflowId: 'update-fixing',
      taskQueue: COORDINATOR_QUEUE,
      args: [{ ...options, autofix: agent }],
      memo: { optionsDigest: 'of an earlier version', repositoryLock: options.lockWorkflowId, instance: 'update' },
    });
    await until(async () => (await house.lockkeeper(['status', 'update-fixing'])).stdout.includes('approval'), 60_000);
    const attached = house.start(fixing);
    await until(() => attached.output().includes('attached to update-fixing'), 60_000, attached.output);
    await house.lockkeeper(['reject', 'update-fixing', '--yes']);
    await attached.ended;

    // The options of 0.1.0 in November.
    const earlier = { ...options, onFailure: undefined, holdBack: undefined, autofix: undefined, gates: undefined };
    await client.workflow.start('updateFlake', {
      workflowId: 'update-earlier',
      taskQueue: COORDINATOR_QUEUE,
      args: [earlier],
      memo: { optionsDigest: 'of an earlier version', repositoryLock: options.lockWorkflowId, instance: 'update' },
    });
    await until(async () => (await house.lockkeeper(['status', 'update-earlier'])).stdout.includes('approval'), 60_000);
    const other = await house.lockkeeper(['update', fleet.checkout, '--approve', '--gate', 'true=true']);
    assert.equal(other.exitCode, 1);
    assert.match(other.stderr, /running, with other options/);

    const again = house.start(['update', fleet.checkout, '--approve', '--json']);
    await until(() => again.output().includes('update-earlier'), 60_000, again.output);
    const approved = await house.lockkeeper(['approve', 'update-earlier', '--yes']);
    assert.equal(approved.exitCode, 0, approved.stderr);
    const report = await again.report();
    assert.deepEqual([report.run, report.outcome], ['update-earlier', 'landed']);
  } finally {
    await client.connection.close();
  }
});

test('a run that a newer version asked for ends before it does anything, and names what the worker does not know', async (t) => {
  const house = await withHouse(t);
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }] });
  await house.dev();
  const client = await connectTo(house);
  try {
    await fleet.moveInput('alpha');
    const { run } = (await house.update(fleet.checkout, '--dry-run')).report;
    const { events } = await client.workflow.getHandle(run).fetchHistory();
    const [payload] = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
    assert.ok(payload);
    const options: RunOptions = defaultPayloadConverter.fromPayload(payload);
    const newer: readonly (readonly [asked: object, named: string])[] = [
      [{ ...options, attestation: { key: '/etc/key' } }, 'attestation'],
      [{ ...options, landing: { ...options.landing, squash: true } }, 'landing.squash'],
      [{ ...options, landing: { ...options.landing, mode: 'queue' } }, 'landing.mode "queue"'],
      [{ ...options, onFailure: ['ask-a-friend'] }, 'onFailure "ask-a-friend"'],
      [{ ...options, format: 99 }, 'options of format 99'],
    ];
    for (const [asked, named] of newer) {
      const workflowId = `update-newer-${newer.findIndex(([each]) => each === asked)}`;
      await client.workflow.start('updateFlake', { workflowId, taskQueue: COORDINATOR_QUEUE, args: [asked] });
      const { exitCode, stdout, stderr } = await house.lockkeeper(['watch', workflowId]);
      assert.equal(exitCode, 1, named);
      const said = `a newer Lockkeeper asked for options that this worker does not know: ${named}. Upgrade the workers`;
      assert.ok((stdout + stderr).includes(said), stdout + stderr);
      const { events: done } = await client.workflow.getHandle(workflowId).fetchHistory();
      assert.deepEqual(
        done?.filter((event) => event.activityTaskScheduledEventAttributes) ?? [],
        [],
        'nothing was done',
      );
    }
  } finally {
    await client.connection.close();
  }
});

// A column is dropped below.
const CAN_CHANGE = 'import sqlite3; assert sqlite3.sqlite_version_info >= (3, 35)';
const { exitCode: changes } = await command('python3', ['-c', CAN_CHANGE]);

test(
  'a database that another version of Temporal made is named, with the way out',
  { skip: changes === 0 ? false : 'no python3 with SQLite 3.35 to change a database with' },
  async (t) => {
    const house = await withHouse(t);
    await house.dev();
    const { keeper, server } = await house.server();
    for (const { pid } of [await house.worker(), keeper, server]) process.kill(pid, 'SIGKILL');
    // As the server of 1.25 made it.
    const change = `import sqlite3; sqlite3.connect("${house.state.serverDatabase}").execute("ALTER TABLE executions_visibility DROP COLUMN _version")`;
    const changed = await command('python3', ['-c', change]);
    assert.equal(changed.exitCode, 0, changed.stderr);
    const { exitCode, stderr } = await house.lockkeeper(['list']);
    assert.equal(exitCode, 1);
    assert.match(
      stderr,
      /cannot read its database, which another version of Temporal made\. Nothing is lost: let \$TEMPORAL_CLI/,
    );
  },
);
