import assert from 'node:assert/strict';
import { after as afterAll, test } from 'node:test';
import { Client } from '@temporalio/client';
import { ActivityCancellationDetails } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { createForgetRun } from '../../activities/nix/builds.js';
import { readIdentity } from '../../activities/supervised/record.js';
import { sweep } from '../../activities/supervised/sweep.js';
import type { BuildTargetInput } from '../../model/contract/verification.js';
import { findTemporalCli } from '../../workers/temporal-cli.js';
import { attempt, linkTarget, until, withBuildFixture } from '../support/build-runner.js';
import { wholeFile } from '../support/scope.js';

const HOSTS = ['athena', 'delos', 'kyushu', 'naxos', 'rhea'];

const fixture = await withBuildFixture(wholeFile, { hosts: HOSTS.map((name) => ({ name, seconds: 340 })) });
const executable = { type: 'existing-path', path: await findTemporalCli(process.env) } as const;
const server = await TestWorkflowEnvironment.createLocal({ server: { executable } });
afterAll(() => server.teardown());

/** Leaves a running build behind, as a worker does that was stopped. */
async function leaveBehind(host: string, run: string, namespace = 'default'): Promise<BuildTargetInput> {
  const input = await fixture.evaluated(host, { run });
  const following = attempt(fixture.env, input, { namespace });
  await until(async () => (await fixture.fleet.sleepers(host)).length === 1);
  following.environment.cancel('WORKER_SHUTDOWN', new ActivityCancellationDetails({ workerShutdown: true }));
  await following.verdict.catch(() => undefined);
  return input;
}

/** A run that waits for a worker which never comes. */
const startRun = (workflowId: string) =>
  server.client.workflow.start('updateFlake', { workflowId, taskQueue: 'nobody', args: [] });

const runs = (host: string): Promise<boolean> => fixture.fleet.sleepers(host).then(({ length }) => length === 1);

test('builds of open runs go on', async () => {
  await startRun('open');
  await leaveBehind('athena', 'open');
  assert.deepEqual(await sweep(server.client, fixture.env.state, createForgetRun(fixture.env)), []);
  assert.ok(await runs('athena'));
});

test('a build of a run that was closed while no worker was there is ended, and what it kept is released', async () => {
  const run = await startRun('closed');
  const input = await leaveBehind('delos', 'closed');
  await run.terminate();
  assert.deepEqual(await sweep(server.client, fixture.env.state, createForgetRun(fixture.env)), ['closed']);
  assert.ok(!(await runs('delos')));
  assert.equal(await readIdentity(fixture.recordOf(input)), null);
  assert.equal(await linkTarget(`${fixture.recordOf(input).directory}/drv`), null);
});

test('a build of a run that was cancelled while no worker was there is ended', async () => {
  const run = await startRun('cancelling');
  await leaveBehind('kyushu', 'cancelling');
  await run.cancel();
  assert.deepEqual(await sweep(server.client, fixture.env.state, createForgetRun(fixture.env)), ['cancelling']);
  assert.ok(!(await runs('kyushu')));
});

test('a build of a run that the server does not know is ended', async () => {
  await leaveBehind('naxos', 'unknown');
  assert.deepEqual(await sweep(server.client, fixture.env.state, createForgetRun(fixture.env)), ['unknown']);
  assert.ok(!(await runs('naxos')));
});

test('builds for another namespace are left alone', async () => {
  await leaveBehind('rhea', 'elsewhere', 'another');
  assert.deepEqual(await sweep(server.client, fixture.env.state, createForgetRun(fixture.env)), []);
  const elsewhere = new Client({ connection: server.connection, namespace: 'another' });
  await assert.rejects(sweep(elsewhere, fixture.env.state, createForgetRun(fixture.env)));
  assert.ok(await runs('rhea'));
});
