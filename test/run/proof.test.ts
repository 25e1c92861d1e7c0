import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client, Connection, WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, defaultPayloadConverter } from '@temporalio/common';
import type { Payload } from '@temporalio/common';
import { NativeConnection, Worker } from '@temporalio/worker';
import { run } from '../../activities/command/process.js';
import { repositoryLockId } from '../../model/run/ids.js';
import { repositoryKey } from '../../model/run/keys.js';
import type { RunProgress } from '../../model/progress/progress.js';
import { COORDINATOR_QUEUE } from '../../model/run/queues.js';
import type { Report } from '../../model/report/data.js';
import type { RunOptions } from '../../model/run/options.js';
import { findTemporalCli } from '../../workers/temporal-cli.js';
import { withMovedFleet } from '../support/fleet.js';
import { until, withHouse, type House } from '../support/lockkeeper.js';
import { connectTo, ownProof, runInPhase, withServedHouse } from '../support/runs.js';
import { atEndOf, wholeFile } from '../support/scope.js';

const { house, client: owner } = await withServedHouse(wholeFile);
/** Reaches the server, and cannot read the state directory. */
const stranger = new Client({ connection: await Connection.connect({ address: (await house.server()).address }) });
atEndOf(wholeFile, () => stranger.connection.close());
const fleet = await withMovedFleet(wholeFile, { hosts: [{ name: 'athena' }] }, ['alpha']);
const mark = path.join(house.root, 'mark');
const { report: firstReport } = await house.update(fleet.checkout);
assert.equal(firstReport.outcome, 'landed');
const firstRun = firstReport.run;
/** What a genuine run was started with, as everybody may read it who reaches the server. */
const genuine = defaultPayloadConverter.fromPayload<RunOptions>(await startOf(firstRun));

/** The argument of a workflow, as the server keeps it. */
async function startOf(workflowId: string): Promise<Payload> {
  const { events } = await stranger.workflow.getHandle(workflowId).fetchHistory();
  const [payload] = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  assert.ok(payload);
  return payload;
}

/** Starts a workflow with arguments as they are, and gives its id. */
async function startRaw(type: string, workflowId: string, payloads: readonly Payload[]): Promise<string> {
  await stranger.workflowService.startWorkflowExecution({
    namespace: 'default',
    workflowId,
    workflowType: { name: type },
    taskQueue: { name: COORDINATOR_QUEUE },
    input: { payloads: [...payloads] },
    requestId: workflowId,
    identity: 'stranger',
  });
  return workflowId;
}

async function isRefused(workflowId: string, why = /carries no proof/): Promise<void> {
  await assert.rejects(stranger.workflow.getHandle(workflowId).result(), (error: unknown) => {
    assert.ok(error instanceof WorkflowFailedError, String(error));
    assert.ok(error.cause instanceof ApplicationFailure, String(error.cause));
    assert.equal(error.cause.type, 'RunRefused', error.cause.message);
    assert.match(error.cause.message, why);
    return true;
  });
  const { events } = await stranger.workflow.getHandle(workflowId).fetchHistory();
  assert.ok(!(events ?? []).some((event) => event.activityTaskScheduledEventAttributes != null), workflowId);
}

const touch = (): readonly string[] => ['touch', mark];

/** What a stranger would have run as the worker's user. */
const evil = (): RunOptions => ({
  ...genuine,
  gates: [{ name: 'evil', check: { kind: 'command', words: touch() }, timeoutSeconds: 60, required: true }],
});

test('who cannot read the run key starts nothing: every kind of workflow ends as refused, and no activity begins', async () => {
  const { repository, nix } = genuine;
  const candidate = { base: '0'.repeat(40), head: '0'.repeat(40), bundle: '' };
  const agent = { command: 'touch', args: [mark], envFile: null, homePaths: [], timeoutSeconds: 60 };
  const rules = { protected: [], maxFiles: 1, maxLines: 1 };
  const gate = { kind: 'gate', name: 'evil', check: { kind: 'command', words: touch() }, timeoutSeconds: 60 };
  const setting = { run: 'evil', repository, candidate, nix, takeoverSeconds: 60, builderWaitSeconds: 60 };
  const host = { kind: 'nixos', name: 'athena' };
  const notify = { ntfy: null, inboxOrg: mark };
  // A memo needs no proof to be there, and no memo may keep a refusal from its end.
  const memo = { instance: 'evil' };
  const starts: readonly (readonly [string, readonly unknown[]])[] = [
    ['updateFlake', [evil()]],
    ['updateFlake', []],
    ['verifyCandidate', [{ ...setting, targets: [gate] }]],
    [
      'fixTarget',
      [{ ...setting, agent: { ...agent, maxAttempts: 1, rules }, broken: { target: host }, moved: [], earlier: [] }],
    ],
    ['holdBack', [{ ...setting, moved: [], broken: [], never: [], budget: 1 }]],
    ['readRunLog', [{ machine: 'here', logPath: '/etc/shadow', offset: 0, limit: 10 }]],
    ['recordInstance', [{ instance: 'evil', since: '', failures: 0, lastSuccess: null, counted: [] }]],
    ['watchInstances', [[{ instance: 'evil', limitSeconds: 0, repository: 'x', notify, timeZone: 'UTC' }]]],
    [
      'watchChannels',
      [[{ instance: 'evil', limitSeconds: 0, repository, template: '{host}', notify, timeZone: 'UTC' }]],
    ],
  ];
  for (const [index, [type, args]] of starts.entries()) {
    const workflowId = `evil-${index}`;
    await stranger.workflow.start(type, { workflowId, taskQueue: COORDINATOR_QUEUE, args: [...args], memo });
    await isRefused(workflowId, args.length === 0 ? /has no argument/ : undefined);
  }
  assert.ok(!existsSync(mark));
  const listed = JSON.parse((await house.lockkeeper(['list', '--json'])).stdout) as { run: string; state: string }[];
  assert.equal(listed.find(({ run: id }) => id === 'evil-0')?.state, 'refused');
  const status = await house.lockkeeper(['status', 'evil-0']);
  assert.match(status.stdout, /^evil-0: refused: This start is refused: it carries no proof.*run key/);
  assert.match(status.stdout, new RegExp(`It was started under the name ".*${process.pid}@`));
});

test(
  'another account of this machine starts nothing with Temporal’s own command',
  { skip: process.getuid?.() !== 0 },
  async () => {
    const cli = await findTemporalCli(process.env);
    const { address } = await house.server();
    const asNobody = ['--reuid', '65534', '--regid', '65534', '--clear-groups', 'env', 'HOME=/tmp'];
    const temporal = (...words: readonly string[]) =>
      run('setpriv', [...asNobody, cli, ...words, '--address', address], { cwd: '/' });
    const input = ['--task-queue', COORDINATOR_QUEUE, '--input', JSON.stringify(evil())];
    const started = await temporal('workflow', 'start', '--type', 'updateFlake', '--workflow-id', 'nobodys', ...input);
    assert.equal(started.exitCode, 0, started.stderr);
    await isRefused('nobodys');
    assert.ok(!existsSync(mark));
    assert.equal((await stat(house.state.runKey)).mode & 0o777, 0o600);
  },
);

test('what proves one start proves no other one', async () => {
  const payload = await startOf(firstRun);
  await isRefused(await startRaw('updateFlake', 'update-copied', [payload]), /proof of another message/);
  await isRefused(
    await startRaw('updateFlake', `${firstRun}-2026-11-28T10:00:00Z`, [payload]),
    /proof of another message/,
  );
  const options = defaultPayloadConverter.fromPayload<RunOptions>(payload);
  const changed = { ...payload, data: Buffer.from(JSON.stringify({ ...options, gates: evil().gates })) };
  await isRefused(await startRaw('updateFlake', 'update-changed', [changed]), /proof of another message/);
  const earlier = 'update-fleet-20200101-000000';
  await owner.workflow.start('updateFlake', { workflowId: earlier, taskQueue: COORDINATOR_QUEUE, args: [options] });
  await isRefused(earlier, /repeats the start of an earlier run/);
  assert.ok(!existsSync(mark));
});

test('a decision without proof is ignored and says so, and that on another run decides nothing here', async () => {
  const decided: Payload[] = [];
  for (const decision of ['approve', 'reject']) {
    await fleet.moveInput('alpha');
    const running = house.start(['update', fleet.checkout, '--approve', '--json']);
    const { run: id, approval } = await runInPhase(owner, 'waiting-for-approval', running);
    const handle = stranger.workflow.getHandle(id);
    const sent = { by: 'eve', commit: approval?.commit ?? '', comment: null };
    await handle.signal('approve', sent);
    await assert.rejects(handle.executeUpdate('approve', { args: [sent] }), (error: Error) =>
      String(error.cause).includes('carries no proof'),
    );
    await assert.rejects(
      handle.executeUpdate('holdBackInput', { args: [{ by: 'eve', input: 'alpha', comment: null }] }),
    );
    for (const payload of decided) {
      const signal = { namespace: 'default', workflowExecution: { workflowId: id }, signalName: 'approve' };
      await stranger.workflowService.signalWorkflowExecution({ ...signal, input: { payloads: [payload] } });
    }
    await handle.signal('targetDone', { name: 'athena', state: 'done' });
    const progress = await owner.workflow.getHandle(id).query<RunProgress>('progress');
    assert.equal(progress.phase, 'waiting-for-approval');
    assert.match(progress.waitsFor ?? '', /ignored a signal/);
    const done = await house.lockkeeper([decision, id]);
    assert.equal(done.exitCode, 0, done.stderr);
    await running.ended;
    const { events } = await owner.workflow.getHandle(id).fetchHistory();
    for (const event of events ?? [])
      for (const payload of event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.input?.args
        ?.payloads ?? [])
        decided.push(payload);
  }
  assert.equal(decided.length, 2);
});

test('who stands in the place of a lock blocks no repository', async () => {
  await fleet.moveInput('alpha');
  await stranger.workflow.start('anything', {
    workflowId: repositoryLockId(repositoryKey(genuine.repository, true)),
    taskQueue: 'nobody',
    memo: { run: 'somebody', optionsDigest: 'any' },
  });
  const { report } = await house.update(fleet.checkout);
  assert.equal(report.outcome, 'landed');
});

test('a schedule whose content somebody replaced starts nothing, and apply makes it right again', async () => {
  const config = path.join(house.root, 'proof.toml');
  await writeFile(config, `[instances.proof]\nrepoPath = ${JSON.stringify(fleet.checkout)}\nschedule = "yearly"\n`);
  const flags = ['--config', config];
  assert.match((await house.lockkeeper(['apply', ...flags])).stdout, /\+ proof/);
  assert.match((await house.lockkeeper(['apply', ...flags])).stdout, /1 unchanged/);
  const theirs = stranger.schedule.getHandle('lockkeeper-proof');
  await theirs.update(({ spec, action, policies, state }) => ({
    spec,
    policies,
    state,
    action: { ...action, args: [evil()] },
  }));
  await theirs.trigger();
  let started: string | undefined;
  await until(async () => {
    started = (await theirs.describe()).info.recentActions.at(-1)?.action.workflow.workflowId;
    return started !== undefined;
  }, 10_000);
  await isRefused(started ?? '');
  const trigger = await house.lockkeeper(['schedules', 'trigger', 'proof']);
  assert.equal(trigger.exitCode, 1);
  assert.match(trigger.stderr, /carries no proof.*apply/s);
  const doctor = await house.lockkeeper(['doctor']);
  assert.match(doctor.stdout, /who may ask.*run-key/);
  assert.match(doctor.stdout, /1 schedule without proof.*: proof/);
  assert.match((await house.lockkeeper(['apply', ...flags])).stdout, /proof: options/);
  const again = await house.lockkeeper(['schedules', 'trigger', 'proof', '--json']);
  assert.equal(again.exitCode, 0, again.stderr);
  const { run: id } = JSON.parse(again.stdout) as { run: string };
  assert.equal(
    await owner.workflow
      .getHandle(id)
      .result()
      .then(() => 'done'),
    'done',
  );
  await theirs.trigger();
  await until(async () => (await theirs.describe()).info.recentActions.length > 1, 10_000);
  const latest = (await theirs.describe()).info.recentActions.at(-1)?.action.workflow.workflowId ?? '';
  await owner.workflow.getHandle(latest).result();
  assert.ok(!existsSync(mark));
});

test('a run that began before there was a key goes on, and one that begins without proof after it does not', async (t) => {
  const old = await withHouse(t);
  await old.lockkeeper(['apply', '--config', await emptyConfiguration(old)]);
  const { address } = await old.server();
  const client = new Client({ connection: await Connection.connect({ address }) });
  try {
    await fleet.moveInput('alpha');
    const begun = { workflowId: 'begun-before', taskQueue: COORDINATOR_QUEUE, args: [genuine] };
    await client.workflow.start('updateFlake', begun);
    await rm(old.state.runKey);
    await rm(old.state.beforeKey);
    const worker = await old.dev();
    const mine = await connectTo(old);
    const report = (await mine.workflow.getHandle('begun-before').result()) as Report;
    assert.equal(report.outcome, 'landed', worker.output());
    await mine.connection.close();
    await client.workflow.start('updateFlake', { ...begun, workflowId: 'begun-after' });
    await assert.rejects(client.workflow.getHandle('begun-after').result());
    await client.workflow.start('updateFlake', { ...begun, args: [evil()] });
    await assert.rejects(client.workflow.getHandle('begun-before').result());
    assert.ok(!existsSync(mark));
  } finally {
    await client.connection.close();
  }
});

async function emptyConfiguration({ root }: House): Promise<string> {
  const file = path.join(root, 'empty.toml');
  await writeFile(file, '');
  return file;
}

test('a key file that others may read, or that is no key, is refused by its name', async () => {
  const folder = path.join(house.root, 'keys');
  await mkdir(folder);
  const file = path.join(folder, 'key');
  const refused = async (why: RegExp, content: string, mode: number): Promise<void> => {
    await writeFile(file, content);
    await chmod(file, mode);
    const { address } = await house.server();
    const env = { TEMPORAL_ADDRESS: address, LOCKKEEPER_RUN_KEY_FILE: file };
    for (const words of [['list'], ['worker', '--state-dir', path.join(folder, 'state')]]) {
      const finished = await house.lockkeeper(words, { env });
      assert.equal(finished.exitCode, 1);
      assert.match(finished.stderr, why);
      assert.ok(finished.stderr.includes(file));
      assert.ok(content.trim() === '' || !finished.stderr.includes(content));
    }
  };
  await refused(/may be used by others.*chmod 600/, 'a'.repeat(64), 0o644);
  await refused(/is empty/, '\n', 0o600);
  await refused(/is too short/, 'brief-one', 0o600);
  const own = path.join(folder, 'own');
  const env = { LOCKKEEPER_RUN_KEY_FILE: file };
  const first = await house.lockkeeper(['update', fleet.checkout, '--state-dir', own], { env });
  assert.equal(first.exitCode, 1);
  assert.match(first.stderr, /is too short/);
  assert.equal(existsSync(path.join(own, 'server')), false, 'no server was started for it');
});

test('a run that says so counts decisions without the key, as Temporal’s own UI and command send them', async () => {
  await fleet.moveInput('alpha');
  const running = house.start(['update', fleet.checkout, '--approve', '--approve-without-key', '--json']);
  const { run: id, approval } = await runInPhase(owner, 'waiting-for-approval', running);
  await stranger.workflow.getHandle(id).signal('approve', { by: 'me', commit: approval?.commit ?? '', comment: null });
  assert.equal(await running.ended, 0, running.output());
});

test('a worker runs no other commands than those that it allows', async (t) => {
  const strict = await withHouse(t);
  await strict.dev('--allow-command', 'true');
  await fleet.moveInput('alpha');
  const update = (gate: string) => strict.update(fleet.checkout, '--dry-run', '--gate', gate);
  const refused = await update(`evil=touch ${mark}`);
  assert.equal(refused.report.outcome, 'failed');
  assert.match(refused.report.error ?? '', /command "touch" is not allowed on this worker \(it may run true\)/);
  assert.equal((await update('good=true')).report.outcome, 'verified');
  assert.ok(!existsSync(mark));
});

test('what somebody answers in the place of a worker ends the workflow that asked', async (t) => {
  const served = await withHouse(t);
  await served.lockkeeper(['apply', '--config', await emptyConfiguration(served)]);
  const { address } = await served.server();
  const connection = await NativeConnection.connect({ address });
  const client = await connectTo(served);
  try {
    const codePath = fileURLToPath(new URL('../../workflow-bundle.js', import.meta.url));
    const ours = await Worker.create({
      connection,
      taskQueue: COORDINATOR_QUEUE,
      dataConverter: await ownProof(served),
      workflowBundle: { codePath },
    });
    const theirs = await Worker.create({
      connection,
      taskQueue: COORDINATOR_QUEUE,
      activities: { findOverdue: () => Promise.resolve([]), notify: () => Promise.resolve({ ok: true }) },
    });
    const asks = { workflowId: 'asks', taskQueue: COORDINATOR_QUEUE, args: [[]] };
    const answered = ours.runUntil(theirs.runUntil(() => client.workflow.execute('watchInstances', asks)));
    await assert.rejects(answered, (error: Error) =>
      String(error.cause).includes('A result is refused: it carries no proof'),
    );
  } finally {
    await connection.close();
    await client.connection.close();
  }
});
