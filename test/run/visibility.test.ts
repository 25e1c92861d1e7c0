import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import type { Report } from '../../model/report/data.js';
import { withFleet } from '../support/fleet.js';
import { openHouse, until, withHouse } from '../support/lockkeeper.js';
import { connectTo, runInPhase } from '../support/runs.js';

/** What the Temporal UI shows of a workflow: its summary, and what it says of itself now. */
async function shown(
  client: Client,
  workflowId: string,
): Promise<{ readonly summary: string; readonly details: string }> {
  const handle = client.workflow.getHandle(workflowId);
  const metadata = await handle.query<{ readonly currentDetails?: string }>('__temporal_workflow_metadata');
  return { summary: (await (await handle.describe()).staticSummary()) ?? '', details: metadata.currentDetails ?? '' };
}

async function attributes(client: Client, workflowId: string): Promise<Readonly<Record<string, unknown>>> {
  const { typedSearchAttributes } = await client.workflow.getHandle(workflowId).describe();
  const pairs = typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value] as const);
  return Object.fromEntries(pairs.filter(([name]) => name.startsWith('Lockkeeper')));
}

/** Summaries of the activities of a workflow, as its history has them. */
async function summaries(client: Client, workflowId: string): Promise<readonly string[]> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).flatMap((event) => {
    const data = event.userMetadata?.summary?.data;
    const scheduled = event.activityTaskScheduledEventAttributes != null;
    return scheduled && data != null ? [JSON.parse(Buffer.from(data).toString('utf8')) as string] : [];
  });
}

/** Types of the activities of a workflow whose end its history does not have. */
async function unended(client: Client, workflowId: string): Promise<readonly string[]> {
  const events = (await client.workflow.getHandle(workflowId).fetchHistory()).events ?? [];
  const ended = new Set(
    events.flatMap((event) => {
      const end =
        event.activityTaskCompletedEventAttributes ??
        event.activityTaskFailedEventAttributes ??
        event.activityTaskTimedOutEventAttributes ??
        event.activityTaskCanceledEventAttributes;
      return end == null ? [] : [String(end.scheduledEventId)];
    }),
  );
  return events.flatMap(({ eventId, activityTaskScheduledEventAttributes: scheduled }) =>
    scheduled == null || ended.has(String(eventId)) ? [] : [scheduled.activityType?.name ?? ''],
  );
}

test('the Temporal UI shows what a run does, what it waits for and how to answer; its attributes find it', async (t) => {
  const house = await openHouse();
  const fleet = await withFleet(t, {
    hosts: [
      { name: 'athena', seconds: 9 },
      { name: 'rhea', fail: 'build' },
    ],
  });
  try {
    await fleet.moveInput('alpha');
    await house.dev();
    const client = await connectTo(house);
    const update = house.start(['update', fleet.checkout, '--approve', '--require', 'athena', '--json']);
    const { run: building } = await runInPhase(client, 'verifying', update);
    await until(async () => /^\|.*athena.*builds/m.test((await shown(client, building)).details), 30_000);
    const { run, approval } = await runInPhase(client, 'waiting-for-approval', update);

    const waiting = await shown(client, run);
    assert.equal(waiting.summary, `update ${fleet.remote}`);
    assert.match(waiting.details, /approval/);
    assert.ok(waiting.details.includes(`lockkeeper approve ${run}`), waiting.details);
    assert.ok(waiting.details.includes(approval?.commit.slice(0, 12) ?? '-'), waiting.details);
    assert.match(waiting.details, /^\|.*athena.*built/m);
    assert.match(waiting.details, /^\|.*rhea.*failed/m);
    assert.match(waiting.details, /^error: option boot\.loader of rhea is gone$/m, 'the end of the log');
    for (const command of [`approve ${run}`, `reject ${run}`, `logs ${run} rhea`])
      assert.match(waiting.details, new RegExp(`^- (?:whole log: )?\`lockkeeper ${command}\`$`, 'm'));
    const { runId, staticDetails } = await client.workflow.getHandle(run).describe();
    assert.match(
      (await staticDetails()) ?? '',
      new RegExp(`^- .lockkeeper report ${run}.$`, 'm'),
      'also when it is over',
    );
    assert.match(update.output(), new RegExp(`Temporal UI: http://\\S+/workflows/${run}/${runId}/user-metadata`));
    const tags = { LockkeeperInstance: 'update', LockkeeperRepository: fleet.remote };
    assert.deepEqual(await attributes(client, run), { ...tags, LockkeeperWaiting: 'approval' });
    const listed = async (): Promise<readonly unknown[]> => {
      const { stdout } = await house.lockkeeper(['list', '--json']);
      return (JSON.parse(stdout) as { readonly run: string; readonly state: string }[]).map((each) => [
        each.run,
        each.state,
      ]);
    };
    await until(async () => (await found(client, 'LockkeeperWaiting = "approval"')).includes(run), 10_000);
    assert.deepEqual(await listed(), [[run, 'waiting for approval']]);

    const [child] = await found(client, 'WorkflowType = "verifyCandidate"');
    assert.deepEqual(await unended(client, child ?? ''), [], 'a closed verification has no pending activity');
    assert.match((await shown(client, child ?? '')).details, /option boot\.loader of rhea is gone/);
    assert.match(
      (await shown(client, child ?? '')).summary,
      new RegExp(`^verify ${approval?.commit.slice(0, 12)} for ${run}`),
    );
    const names = await summaries(client, child ?? '');
    assert.ok(
      names.some((name) => name.startsWith('notice when no worker of x86_64-linux')),
      names.join(', '),
    );
    for (const expected of ['evaluate athena', 'build athena (x86_64-linux)', 'build rhea (x86_64-linux)'])
      assert.ok(names.includes(expected), names.join(', '));

    const log = await house.lockkeeper(['logs', run.slice(0, 8), 'rhea']);
    assert.equal(log.exitCode, 0, `what is built has its log while the run waits: ${log.stderr}`);
    assert.notEqual(log.stdout, '');

    assert.equal((await house.lockkeeper(['approve', run])).exitCode, 0);
    assert.equal(await update.ended, 0);
    assert.deepEqual(await attributes(client, run), { ...tags, LockkeeperWaiting: 'no', LockkeeperOutcome: 'landed' });
    await until(async () => (await found(client, 'LockkeeperOutcome = "landed"')).includes(run), 10_000);
    assert.deepEqual(await listed(), [[run, 'landed']]);
    assert.match((await shown(client, run)).details, /landed/i);
    const markdown = await house.lockkeeper(['report', 'latest', '--format', 'md']);
    assert.match(markdown.stdout, /^\| ✔ \| `athena` \| `x86_64-linux` \| built \|/m);
    assert.ok((await summaries(client, run)).includes('push the branch'));
    const completed = 'WorkflowType = "holdRepository" AND ExecutionStatus = "Completed"';
    await until(async () => (await found(client, completed)).length === 1, 10_000);
    await client.connection.close();
  } finally {
    await house.close();
  }
});

async function found(client: Client, query: string): Promise<readonly string[]> {
  const ids = [];
  for await (const { workflowId } of client.workflow.list({ query })) ids.push(workflowId);
  return ids;
}

/** A server whose room for search attributes is taken: no more can be made. */
async function crowdedServer(): Promise<{ readonly address: string; readonly stop: () => Promise<void> }> {
  const probe = createServer();
  await new Promise<void>((resolve) => {
    probe.listen(0, '127.0.0.1', () => {
      resolve();
    });
  });
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  const taken = Array.from({ length: 10 }, (_, index) => ['--search-attribute', `Taken${index}=Keyword`]).flat();
  const args = ['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--headless', ...taken];
  const server = spawn(process.env.TEMPORAL_CLI ?? 'temporal', args, { stdio: 'ignore' });
  const ended = new Promise((resolve) => server.once('exit', resolve));
  const address = `127.0.0.1:${port}`;
  const answers = async (): Promise<boolean> => {
    try {
      const connection = await Connection.connect({ address, connectTimeout: 1000 });
      await connection.workflowService.describeNamespace({ namespace: 'default' });
      await connection.close();
      return true;
    } catch {
      return false;
    }
  };
  await until(answers, 30_000);
  return {
    address,
    stop: async () => {
      server.kill('SIGKILL');
      await ended;
    },
  };
}

test('where search attributes cannot be made, the worker says what to type and runs go on without them', async (t) => {
  const house = await withHouse(t);
  const server = await crowdedServer();
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }] });
  try {
    await fleet.moveInput('alpha');
    const env = { TEMPORAL_ADDRESS: server.address };
    const worker = house.start(['worker'], { env });
    await until(
      () => worker.output().includes('the worker is ready'),
      30_000,
      () => worker.output(),
    );
    const create =
      /temporal operator search-attribute create --namespace default (?:--name Lockkeeper\w+ --type Keyword ?){4}/;
    assert.match(worker.output(), create);

    const update = await house.lockkeeper(['update', fleet.checkout, '--json'], { env: { ...env, CI: 'true' } });
    assert.equal(update.exitCode, 0, update.stderr);
    assert.match(update.stderr, /Will push branch flake-update-\d{8} at .*\n[^]*^::group::verifying$/m);
    const { run, outcome } = JSON.parse(update.stdout) as Report;
    assert.equal(outcome, 'landed');
    const listed = await house.lockkeeper(['list', '--json'], { env });
    assert.deepEqual(
      (JSON.parse(listed.stdout) as Record<string, unknown>[]).map((each) => each.run),
      [run],
    );
  } finally {
    await server.stop();
  }
});
