import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Change } from '../../client/schedules/apply.js';
import { instanceRecordId } from '../../model/run/ids.js';
import { newRecord } from '../../model/instance/record.js';
import { COORDINATOR_QUEUE } from '../../model/run/queues.js';
import type { Report } from '../../model/report/data.js';
import { withFleet } from '../support/fleet.js';
import { writeInstances } from '../support/instances.js';
import { until } from '../support/lockkeeper.js';
import { ntfyMissing, withNtfy } from '../support/ntfy.js';
import { withServedHouse } from '../support/runs.js';
import { wholeFile } from '../support/scope.js';

const { house, client } = await withServedHouse(wholeFile);
const fleet = await withFleet(wholeFile, { hosts: [{ name: 'athena' }, { name: 'kyushu', brokenBy: [['alpha']] }] });
const ntfy = ntfyMissing === false ? await withNtfy(wholeFile) : undefined;

/** Writes a configuration whose instances tell the topic of the test, and gives the flag that names it. */
const configured = (topic: string, toml: string): Promise<readonly string[]> =>
  writeInstances(house, fleet, ntfy, topic, `schedule = "*-01-01"\n${toml}`);

const kinds = async (flags: readonly string[]): Promise<Record<string, string>> => {
  const { stdout, stderr } = await house.lockkeeper(['apply', '--json', ...flags]);
  assert.notEqual(stdout, '', stderr);
  return Object.fromEntries((JSON.parse(stdout) as readonly Change[]).map(({ instance, kind }) => [instance, kind]));
};

const runOf = async (instance: string, flags: readonly string[]): Promise<Report> => {
  const { stdout, stderr } = await house.lockkeeper(['run', instance, '--watch', '--json', ...flags]);
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout) as Report;
};

interface Listed {
  readonly instance: string;
  readonly paused: boolean;
  readonly note: string | null;
  readonly failuresInRow: number;
  readonly lastSuccess: string | null;
}

/** What `lockkeeper schedules` shows of an instance, once it is as it should be: the server lists a change a moment later. */
async function listed(instance: string, isRight: (found: Listed) => boolean): Promise<Listed> {
  let found: Listed | undefined;
  await until(
    async () => {
      const { stdout } = await house.lockkeeper(['schedules', '--json']);
      found = (JSON.parse(stdout) as readonly Listed[]).find((each) => each.instance === instance);
      return found !== undefined && isRight(found);
    },
    30_000,
    () => JSON.stringify(found),
  );
  assert.ok(found !== undefined);
  return found;
}

test('failures in a row become urgent and pause the schedule, a success ends them, and runs by hand count', async () => {
  await fleet.moveInput('alpha');
  const options = 'onFailure = ["report"]\nfailuresAlarm = 2\nfailuresPause = true\n';
  const flags = await configured('failing', `[instances.failing]\n${options}`);
  assert.deepEqual(await kinds(flags), { failing: 'created' });

  const first = await runOf('failing', flags);
  assert.deepEqual([first.outcome, first.failuresInRow], ['broken', { count: 1, alarm: false, paused: false }]);
  assert.equal((await listed('failing', ({ failuresInRow }) => failuresInRow === 1)).paused, false);
  const second = await runOf('failing', flags);
  assert.deepEqual(second.failuresInRow, { count: 2, alarm: true, paused: true });
  const paused = await listed('failing', (found) => found.paused && found.failuresInRow === 2);
  assert.deepEqual([paused.note, paused.lastSuccess], ['2 failures in a row', null]);
  assert.match(
    (await house.lockkeeper(['schedules'])).stdout,
    /failing .*paused: 2 failures in a row {2}no scheduled run yet {2}2 failures in a row of runs by hand/,
  );
  assert.deepEqual(await kinds(flags), { failing: 'unchanged' }, 'the pause stays');
  if (ntfy !== undefined) {
    const messages = await ntfy.messages('failing');
    assert.deepEqual(
      messages.map(({ priority }) => priority),
      [4, 5],
    );
    assert.match(
      String(messages[1]?.message),
      /^2 failures in a row; its schedule is paused \("lockkeeper schedules resume failing"/,
    );
  }

  const corrected = await configured('failing', `[instances.failing]\nbuildSystems = ["athena"]\n${options}`);
  const third = await runOf('failing', corrected);
  assert.deepEqual([third.outcome, third.failuresInRow], ['landed', { count: 0, alarm: false, paused: false }]);
  const success = await listed('failing', ({ failuresInRow }) => failuresInRow === 0);
  assert.ok((success.lastSuccess ?? '') > third.startedAt);

  const id = instanceRecordId('failing', null);
  const gone = await configured('failing', '');
  assert.deepEqual(await kinds(gone), { failing: 'removed' });
  assert.equal((await client.workflow.getHandle(id).describe()).status.name, 'TERMINATED');
});

test('an instance that is given to another account keeps its count, and so does one that is given back', async () => {
  await fleet.moveInput('alpha');
  const given = (user: string): Promise<readonly string[]> =>
    configured('given', `[instances.given]\nbranchPrefix = "given-"\nonFailure = ["report"]\n${user}`);
  const flags = await given('');
  await kinds(flags);
  assert.equal((await runOf('given', flags)).failuresInRow?.count, 1);
  for (const user of ['rhea', null]) {
    assert.deepEqual(await kinds(await given(user === null ? '' : `user = "${user}"`)), { given: 'updated' });
    await listed('given', ({ failuresInRow }) => failuresInRow === 1);
    const [own, other] = [user, user === null ? 'rhea' : null].map((each) => instanceRecordId('given', each));
    const states = [own, other].map(async (id) => (await client.workflow.getHandle(id ?? '').describe()).status.name);
    assert.deepEqual(await Promise.all(states), ['RUNNING', 'TERMINATED']);
  }
  assert.equal((await runOf('given', flags)).failuresInRow?.count, 2);
  assert.deepEqual(await kinds(await configured('given', '')), { given: 'removed' });
});

test('a record outlives its own history, and an end that is told again under another name of the update counts once', async () => {
  const workflowId = instanceRecordId('kept', null);
  const record = newRecord('kept', new Date());
  const handle = await client.workflow.start('recordInstance', {
    workflowId,
    taskQueue: COORDINATOR_QUEUE,
    args: [record],
  });
  const tell = (number: number, updateId: string): Promise<number> =>
    client.workflow.getHandle(workflowId).executeUpdate<number, [object]>('recordEnd', {
      updateId,
      args: [{ run: `run-${number}`, outcome: 'failed', endedAt: new Date().toISOString() }],
    });
  for (let number = 1; number <= 205; number += 1) assert.equal(await tell(number, `run-${number}`), number);
  const described = await client.workflow.getHandle(workflowId).describe();
  assert.notEqual(described.runId, handle.firstExecutionRunId, 'the history began anew');
  assert.deepEqual([described.status.name, described.memo?.failures], ['RUNNING', 205]);
  assert.equal(await tell(199, 'told again'), 199);
  assert.equal(await tell(205, 'told again, too'), 205);
  assert.equal((await client.workflow.getHandle(workflowId).describe()).memo?.failures, 205);
  await client.workflow.getHandle(workflowId).terminate();
});

test(
  'an instance without a success for too long raises an alarm once a day, also when it never runs',
  { skip: ntfyMissing },
  async () => {
    const inbox = join(house.root, 'inbox.org');
    const flags = await configured(
      'quiet',
      `successAlarmSec = "14d"\ninboxOrg = "${inbox}"\n[instances.quiet]\nbranchPrefix = "quiet-"\n[instances.young]\n`,
    );
    assert.deepEqual(await kinds(flags), { quiet: 'created', 'watch:quiet': 'created', young: 'created' });
    assert.deepEqual(await kinds(flags), { quiet: 'unchanged', 'watch:quiet': 'unchanged', young: 'unchanged' });
    const { spec, action } = await client.schedule.getHandle('lockkeeper-watch:quiet').describe();
    assert.deepEqual([spec.timezone, action.workflowType], ['UTC', 'watchInstances']);

    const before = new Date(Date.now() - 15 * 86_400_000);
    await client.workflow.start('recordInstance', {
      workflowId: instanceRecordId('quiet', null),
      taskQueue: COORDINATOR_QUEUE,
      args: [newRecord('quiet', before)],
    });
    const looks = async (): Promise<number> => {
      let done = 0;
      const query = 'WorkflowType = "watchInstances" AND ExecutionStatus = "Completed"';
      for await (const each of client.workflow.list({ query })) if (each.workflowId !== '') done += 1;
      return done;
    };
    for (const time of [1, 2]) {
      const triggered = await house.lockkeeper(['schedules', 'trigger', 'watch:quiet']);
      assert.equal(triggered.exitCode, 0, triggered.stderr);
      await until(async () => (await looks()) === time, 60_000);
    }
    const messages = (await ntfy?.messages('quiet')) ?? [];
    const [first] = messages;
    assert.equal(messages.length, 1, 'people are told once a day');
    assert.equal(first?.priority, 5);
    assert.match(String(first.title), /Overdue: no successful run: .* \(quiet\)/);
    assert.match(
      String(first.message),
      /^It has not succeeded once since it was first looked at, .* UTC\.\nThe limit is 14 days\.\n/,
    );
    const entries = await readFile(inbox, 'utf8');
    assert.deepEqual(entries.match(/^\* TODO .*$/gm), [
      `* TODO Flake updates of ${fleet.checkout} by quiet: no success for too long`,
    ]);
    const young = (await client.workflow.getHandle(instanceRecordId('young', null)).describe()).memo;
    assert.ok(Date.parse(String(young?.since)) > Date.now() - 120_000, 'its time begins with the first look');

    const unwatched = await configured('quiet', '[instances.quiet]\nbranchPrefix = "quiet-"\n');
    assert.deepEqual(await kinds(unwatched), { quiet: 'updated', 'watch:quiet': 'removed', young: 'removed' });
    assert.deepEqual(await kinds(await configured('quiet', '')), { quiet: 'removed' });
  },
);
