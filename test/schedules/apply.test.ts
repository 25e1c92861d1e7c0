import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RunOptions } from '../../model/run/options.js';
import type { Change } from '../../client/schedules/apply.js';
import { withFleet } from '../support/fleet.js';
import { until } from '../support/lockkeeper.js';
import { withServedHouse } from '../support/runs.js';
import { wholeFile } from '../support/scope.js';

const { house, client } = await withServedHouse(wholeFile);
const fleet = await withFleet(wholeFile, { hosts: [{ name: 'athena' }] });

const DEFAULTS = (): string => `[defaults]\nrepoPath = "${fleet.checkout}"\ntimeZone = "Europe/Berlin"\n`;

async function configured(toml: string): Promise<readonly string[]> {
  const file = join(house.root, 'lockkeeper.toml');
  await writeFile(file, toml);
  return ['--config', file];
}

interface Applied {
  readonly exitCode: number | null | undefined;
  readonly changes: readonly Change[];
  readonly stderr: string;
}

async function apply(toml: string, ...flags: string[]): Promise<Applied> {
  const { exitCode, stdout, stderr } = await house.lockkeeper([
    'apply',
    '--json',
    ...flags,
    ...(await configured(toml)),
  ]);
  assert.notEqual(stdout, '', stderr);
  return { exitCode, stderr, changes: JSON.parse(stdout) as readonly Change[] };
}

const kinds = ({ changes }: Applied): Record<string, string> =>
  Object.fromEntries(changes.map(({ instance, kind }) => [instance, kind]));

const describe = (instance: string) => client.schedule.getHandle(`lockkeeper-${instance}`).describe();

test('apply creates, updates and removes what it owns, says so, and changes nothing the second time', async () => {
  const two = `name = "home"\n${DEFAULTS()}
    [instances.biweekly]
    buildSystems = ["athena"]
    schedule = "Sun *-*-1..7,15..21 02:00:00"
    [instances.daily]
    schedule = ["04:00", "16:30"]
    randomizedDelaySec = 0
    persistent = false
    overlap = "skip"
    branchPrefix = "daily-"
    autoMerge = true
  `;
  const dry = await apply(two, '--dry-run');
  assert.deepEqual(kinds(dry), { biweekly: 'created', daily: 'created' });
  await assert.rejects(describe('daily'), { name: 'ScheduleNotFoundError' });
  assert.deepEqual(kinds(await apply(two)), { biweekly: 'created', daily: 'created' });
  assert.deepEqual(kinds(await apply(two)), { biweekly: 'unchanged', daily: 'unchanged' });

  const daily = await describe('daily');
  assert.equal(daily.spec.timezone, 'Europe/Berlin');
  assert.deepEqual([daily.policies.overlap, daily.policies.catchupWindow, daily.spec.jitter ?? 0], ['SKIP', 60_000, 0]);
  const [options] = daily.action.args as unknown as readonly RunOptions[];
  assert.deepEqual(
    [options?.instance, options?.landing.mode, options?.repository.url, options?.repository.checkout],
    ['daily', 'merge', fleet.remote, fleet.checkout],
  );
  const biweekly = await describe('biweekly');
  assert.deepEqual(
    [biweekly.policies.overlap, biweekly.policies.catchupWindow, biweekly.spec.jitter],
    ['BUFFER_ONE', 365 * 86_400_000, 3_600_000],
  );

  await house.lockkeeper(['schedules', 'pause', 'daily', '--message', 'upstream is on fire']);
  const later = two.replace('"04:00", "16:30"', '"05:00"').replace('autoMerge = true', '');
  const planned = await apply(later, '--dry-run');
  const updated = { instance: 'daily', kind: 'updated', changed: ['times', 'options'] };
  assert.deepEqual(planned.changes[1], updated);
  assert.deepEqual((await apply(later)).changes[1], updated);
  const { state, action } = await describe('daily');
  assert.deepEqual([state.paused, state.note], [true, 'upstream is on fire'], 'the pause stays');
  assert.equal((action.args as unknown as readonly RunOptions[])[0]?.landing.mode, 'branch');

  await client.schedule.create({
    scheduleId: 'somebody-elses',
    spec: { intervals: [{ every: '1d' }] },
    action: { type: 'startWorkflow', workflowType: 'other', taskQueue: 'other' },
  });
  const one = later.replace('[instances.daily]', '[instances.daily]\nenable = false');
  assert.deepEqual(kinds(await apply(one)), { biweekly: 'unchanged', daily: 'removed' });
  await assert.rejects(describe('daily'), { name: 'ScheduleNotFoundError' });
  await client.schedule.getHandle('somebody-elses').describe();
});

test('a change by hand is set right, and a schedule of another configuration is left alone', async () => {
  const toml = `name = "one"\n${DEFAULTS()}[instances.drift]\nschedule = "06:00"\n`;
  assert.equal((await apply(toml)).changes[0]?.kind, 'created');
  await client.schedule.getHandle('lockkeeper-drift').update((found) => ({
    ...found,
    action: { ...found.action, args: found.action.args ?? [] },
    spec: { ...found.spec, calendars: [{ hour: 7, minute: 0, second: 0 }] },
  }));
  assert.deepEqual((await apply(toml)).changes, [{ instance: 'drift', kind: 'updated', changed: ['times'] }]);

  const other = await apply(toml.replace('"one"', '"two"'));
  assert.equal(other.exitCode, 1);
  const [failed] = other.changes;
  assert.equal(failed?.kind, 'failed');
  assert.match(failed.reason, /lockkeeper-drift exists and belongs to the configuration "one"/);
  assert.deepEqual(kinds(await apply('name = "two"\n')), {}, 'nothing of the other configuration is removed');
  assert.deepEqual(kinds(await apply('name = "one"\n')), { drift: 'removed' });
});

test('an instance whose repository is away keeps its schedule, fails apply, and does not stop the others', async () => {
  const toml = (path: string): string =>
    `name = "away"\n${DEFAULTS()}[instances.gone]\nrepoPath = "${path}"\nautoMerge = true\n[instances.here]\n`;
  assert.deepEqual(kinds(await apply(toml(fleet.checkout))), { gone: 'created', here: 'created' });
  const again = await apply(toml('/nowhere'));
  assert.deepEqual([again.exitCode, kinds(again)], [1, { gone: 'failed', here: 'unchanged' }]);
  assert.match(JSON.stringify(again.changes), /instances\.gone\.repoPath \/nowhere does not exist/);
  await describe('gone');
  assert.deepEqual(kinds(await apply('name = "away"\n')), { gone: 'removed', here: 'removed' });
});

test('what looks at channels is made for those whose repository is there, and stays as it is while one is away', async () => {
  const toml = (path: string): string =>
    `name = "partly"\n${DEFAULTS()}mode = "verify"\nchannel = "tested-{host}"\nchannelAlarmSec = "1d"\n[instances.gone]\nrepoPath = "${path}"\nchannel = "other-{host}"\n[instances.here]\n`;
  const watched = async (): Promise<number | undefined> => {
    const { action } = await describe('channels:partly');
    return (action.args as unknown as readonly [readonly unknown[]])[0].length;
  };
  assert.equal(kinds(await apply(toml('/nowhere')))['channels:partly'], 'created');
  assert.equal(await watched(), 1);
  assert.equal(kinds(await apply(toml(fleet.checkout)))['channels:partly'], 'updated');
  assert.equal(kinds(await apply(toml('/nowhere')))['channels:partly'], undefined);
  assert.equal(await watched(), 2);
  await apply('name = "partly"\n');
});

test('a schedule that fires starts the run of its instance, which every command finds', async () => {
  await fleet.moveInput('alpha');
  const toml = `name = "fires"\n${DEFAULTS()}[instances.often]\nschedule = "*:*:0/5"\nrandomizedDelaySec = 0\ndryRun = true\n`;
  assert.deepEqual(kinds(await apply(toml)), { often: 'created' });
  interface Listed {
    readonly instance: string;
    readonly paused: boolean;
    readonly note: string | null;
    readonly last: { readonly run: string; readonly state: string } | null;
    readonly next: readonly string[];
  }
  const schedules = async (): Promise<Listed | undefined> =>
    (JSON.parse((await house.lockkeeper(['schedules', '--json'])).stdout) as readonly Listed[]).find(
      ({ instance }) => instance === 'often',
    );
  let seen: Listed | undefined;
  await until(
    async () => (seen = await schedules())?.last !== null && seen !== undefined,
    60_000,
    () => 'no run was started',
  );
  await house.lockkeeper(['schedules', 'pause', 'often']);
  const run = seen?.last?.run ?? '';
  assert.match(run, /^often-.*-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  const report = await house.lockkeeper(['watch', run, '--json']);
  assert.match(report.stdout, /"outcome": "verified"/);
  await until(
    async () => (seen = await schedules())?.last?.state === 'verified',
    60_000,
    () => JSON.stringify(seen),
  );
  assert.deepEqual([seen?.paused, seen?.next], [true, []]);

  const triggered = await house.lockkeeper(['schedules', 'trigger', 'often', '--json']);
  assert.equal(triggered.exitCode, 0, triggered.stderr);
  const { run: byHand } = JSON.parse(triggered.stdout) as { readonly run: string };
  assert.match(byHand, /^often-.*-\d{8}-\d{6}$/);
  assert.match((await house.lockkeeper(['watch', byHand, '--json'])).stdout, /"outcome": "verified"/);

  const resumed = await house.lockkeeper(['schedules', 'resume', 'often']);
  assert.match(resumed.stdout, /often runs again, next at \d{4}/);
  const wrong = await house.lockkeeper(['schedules', 'pause', 'oftn']);
  assert.equal(wrong.exitCode, 1);
  assert.match(wrong.stderr, /no schedule of "oftn"\. Did you mean "often"\?/);
  assert.deepEqual(kinds(await apply('name = "fires"\n')), { often: 'removed' });
});

test('backfill starts the runs that were due, one after another', async () => {
  const toml = `name = "back"\n${DEFAULTS()}[instances.yearly]\nschedule = "*-01-01"\ntimeZone = "UTC"\nrandomizedDelaySec = 0\ndryRun = true\n`;
  await apply(toml);
  const asked = await house.lockkeeper([
    ...['schedules', 'backfill', 'yearly'],
    ...['--from', '2023-12-31 12:00 UTC', '--to', '2025-06-01 UTC'],
  ]);
  assert.equal(asked.exitCode, 0, asked.stderr);
  const runs = async (): Promise<readonly string[]> => {
    const found: string[] = [];
    const query = 'TemporalScheduledById = "lockkeeper-yearly" AND ExecutionStatus = "Completed"';
    for await (const { workflowId } of client.workflow.list({ query })) found.push(workflowId);
    return found.sort();
  };
  await until(
    async () => (await runs()).length === 2,
    90_000,
    () => 'the runs are not over',
  );
  assert.deepEqual(
    (await runs()).map((run) => run.slice(-20)),
    ['2024-01-01T00:00:00Z', '2025-01-01T00:00:00Z'],
  );
  const backwards = await house.lockkeeper(['schedules', 'backfill', 'yearly', '--from', 'now', '--to', '2025-06-01']);
  assert.equal(backwards.exitCode, 1);
  assert.match(backwards.stderr, /is not after --from/);
});
