import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client } from '@temporalio/client';
import type { Change } from '../../client/schedules/apply.js';
import type { WatchedChannels } from '../../model/channels/watched.js';
import { watcherId } from '../../model/run/ids.js';
import type { Report } from '../../model/report/data.js';
import type { Repository } from '../../model/run/options.js';
import type { ShownWatch } from '../../model/watch/watch.js';
import { withFleet } from '../support/fleet.js';
import { git } from '../support/git.js';
import { writeInstances } from '../support/instances.js';
import { until } from '../support/lockkeeper.js';
import { ntfyMissing, withNtfy } from '../support/ntfy.js';
import { withServedHouse } from '../support/runs.js';
import { wholeFile } from '../support/scope.js';
import { killAt } from '../support/stage.js';

const { house, client, worker } = await withServedHouse(wholeFile);
const fleet = await withFleet(wholeFile, { hosts: [{ name: 'athena' }, { name: 'delos' }] });
const ntfy = ntfyMissing === false ? await withNtfy(wholeFile) : undefined;
/** Reaches the server, and cannot read the run key. */
const stranger = new Client({ connection: client.connection });
const watcher = client.workflow.getHandle(watcherId('main', null));

const configure = (toml: string): Promise<readonly string[]> =>
  writeInstances(house, fleet, ntfy, 'watching', `mode = "verify"\nchannel = "tested-{host}"\n${toml}`);

async function apply(toml: string): Promise<readonly Change[]> {
  const { stdout, stderr } = await house.lockkeeper(['apply', '--json', ...(await configure(toml))]);
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout) as readonly Change[];
}

const shown = (): Promise<ShownWatch> => house.json<ShownWatch>(['status', watcherId('main', null)]);

/** Runs that were started, by id. */
async function runs(): Promise<readonly string[]> {
  const listed = await house.json<readonly { readonly run: string }[]>(['list']);
  return listed.map(({ run }) => run);
}

/** Waits until all channels are at a commit. */
const untilTested = (commit: string): Promise<void> =>
  until(
    async () => {
      const { 'tested-athena': athena, 'tested-delos': delos } = await fleet.branches();
      return athena === commit && delos === commit;
    },
    120_000,
    () => `channels are not at ${commit}: ${worker.output().slice(-2000)}`,
  );

test('a watcher verifies main when it has moved, and leaves nothing behind while it has not', async () => {
  // Somebody else's workflow in its place is ended.
  const { workflowId } = watcher;
  await stranger.workflow.start('nothingOfOurs', { workflowId, taskQueue: 'nobody' });
  assert.deepEqual(await apply('[instances.main]\npoll = "10s"\n'), [{ kind: 'created', instance: 'main' }]);
  const { main: first = '' } = await fleet.branches();
  await untilTested(first);
  await until(
    async () => (await shown()).verified === first,
    60_000,
    () => 'not shown as verified',
  );
  assert.deepEqual(await apply('[instances.main]\npoll = "10s"\n'), [{ kind: 'unchanged', instance: 'main' }]);
  assert.match(
    (await house.lockkeeper(['schedules'])).stdout,
    /^main {2}looks every 10s, verified [0-9a-f]{12} {2}last .*: verified/m,
  );
  assert.match((await house.lockkeeper(['list'])).stdout, /^lockkeeper-watch-main {2}looks every 10s, /m);

  const before = await runs();
  const length = (await watcher.describe()).historyLength;
  await until(
    async () => (await watcher.describe()).historyLength > length,
    60_000,
    () => 'no look',
  );
  assert.deepEqual(await runs(), before);

  // What was made for something else neither pauses nor stops it.
  await watcher.signal('pauseWatch', { about: 'lookNow', again: false });
  await watcher.signal('setWatch', { about: 'pauseWatch', paused: 'for ever' });
  await watcher.signal('lookNow', null);
  await fleet.moveInput('alpha');
  const second = await fleet.pushUpdate(['alpha']);
  await untilTested(second);
  await until(
    async () => (await runs()).length === before.length + 1,
    30_000,
    () => 'not one run more',
  );
});

test('a worker that dies twice while a push is verified: it is verified by one run, built once, and its channels move once', async () => {
  await git(fleet.remote, 'config', 'core.logAllRefUpdates', 'always');
  const [known, built] = [await runs(), await fleet.builds()];
  const { main: before = '' } = await fleet.branches();
  await fleet.moveInput('alpha');
  const killers = [await killAt(house, 'buildTarget', 'worker'), await killAt(house, 'moveChannels', 'worker')];
  const commit = await fleet.pushUpdate(['alpha']);
  for (const { killed, stop } of killers) {
    await until(killed, 120_000);
    stop();
    await house.dev();
  }
  await untilTested(commit);
  await until(
    async () => (await shown()).verified === commit,
    60_000,
    () => 'not shown as verified',
  );
  assert.equal((await runs()).length, known.length + 1);
  const hosts = ['athena', 'delos'];
  const once = ['package', 'system'].flatMap((kind) => hosts.map((name) => `${kind} ${name}`));
  assert.deepEqual([...(await fleet.builds()).slice(built.length)].sort(), once);
  for (const name of hosts) {
    const moves = (await readFile(join(fleet.remote, 'logs/refs/heads', `tested-${name}`), 'utf8')).trim().split('\n');
    assert.deepEqual(
      moves.map((line) => line.split(' ').slice(0, 2)),
      [[before, commit]],
    );
  }
});

test('what a required cache did not take is brought there when it takes it again, though nobody pushes', async () => {
  const cache = join(house.root, 'cache');
  await writeFile(cache, 'no folder');
  await apply(`caches = [{ to = "file://${cache}" }]\n[instances.main]\npoll = "10s"\n`);
  await until(
    async () => (await shown()).trouble === `the last run could not fill file://${cache}`,
    120_000,
    () => 'no trouble',
  );
  const { main: before = '' } = await fleet.branches();
  await fleet.moveInput('alpha');
  const commit = await fleet.pushUpdate(['alpha']);
  await until(
    async () => {
      // There is none while its run is open.
      const { exitCode, stdout } = await house.lockkeeper(['report', 'latest', '--json']);
      return exitCode === 0 && (JSON.parse(stdout) as Pick<Report, 'head'>).head === commit;
    },
    120_000,
    () => 'not verified',
  );
  assert.equal((await fleet.branches())['tested-athena'], before);
  await rm(cache);
  await untilTested(commit);
  await until(
    async () => (await shown()).verified === commit,
    60_000,
    () => 'not shown as verified',
  );
  const known = (await runs()).length;
  await apply('[instances.main]\npoll = "10s"\n');
  await until(
    async () => (await runs()).length > known && (await shown()).verified === commit,
    120_000,
    () => 'not verified without the cache',
  );
});

/**
 * Looks at channels as their schedule does, with no patience.
 * @param before repositories that are looked at before
 */
async function lookAtChannels(workflowId: string, before: readonly Partial<Repository>[] = []): Promise<void> {
  const { action } = await client.schedule.getHandle('lockkeeper-channels:watching').describe();
  assert.equal(action.workflowType, 'watchChannels');
  const [watched] = action.args as [readonly WatchedChannels[]];
  const all = watched.flatMap((each) => [
    ...before.map((other) => ({ ...each, instance: 'other', repository: { ...each.repository, ...other } })),
    each,
  ]);
  const args = [all.map((each) => ({ ...each, limitSeconds: 0 }))];
  await client.workflow.execute('watchChannels', { workflowId, taskQueue: action.taskQueue, args });
}

/** The ntfy server takes messages from now on, or none. */
const setNtfy = (takes: boolean): Promise<void> =>
  writeFile(join(house.root, 'token'), takes ? (ntfy?.token ?? '') : 'tk_nobodys', { mode: 0o600 });

/** Titles of messages that people have. */
const titles = async (words: string): Promise<readonly unknown[]> =>
  ((await ntfy?.messages('watching')) ?? []).map(({ title }) => title).filter((title) => String(title).includes(words));

test('a watcher is paused, changed and removed as a schedule is; a run that fails is tried again later, and said', async () => {
  const schedule = async (...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await house.lockkeeper(['schedules', ...args]);
    assert.equal(exitCode, 0, stderr);
    return stdout;
  };
  assert.equal(await schedule('pause', 'main', '-m', 'holidays'), 'main is paused.\n');
  await until(
    async () => (await shown()).paused === 'holidays',
    30_000,
    () => 'not paused',
  );
  const paused = await runs();
  const third = await fleet.pushToMain({ 'note.txt': 'three\n' });
  assert.match(await schedule(), /^main {2}paused: holidays/m);
  const inbox = join(house.root, 'notes', 'inbox.org');
  const changed = await apply(
    `channelAlarmSec = "1d"\ninboxOrg = "${inbox}"\n[instances.main]\npoll = "1h"\nbuildSystems = ["athena", "delos"]\n`,
  );
  assert.deepEqual(changed, [
    { kind: 'created', instance: 'channels:watching' },
    { kind: 'updated', instance: 'main', changed: ['poll'] },
  ]);
  assert.deepEqual(await runs(), paused);

  // Nobody verifies what was pushed, and no run says so.
  await setNtfy(false);
  await lookAtChannels('a look that nobody can be told of');
  await mkdir(join(house.root, 'notes'));
  await assert.rejects(
    lookAtChannels('one look', [{ mainBranch: 'gone' }]),
    { name: 'WorkflowFailedError' },
    'one that cannot be looked at is seen, and keeps nobody from the alarms of the others',
  );
  const told = await readFile(inbox, 'utf8');
  assert.match(told, /^\* TODO Channels of \S+ \(main\): 2 channels stand still\n/);
  assert.match(
    told,
    /: tested-athena has stood still for .*, and is 1 commit behind: newer commits of main are not verified yet\n/,
  );
  // Who is told by ntfy does not look into the file.
  assert.deepEqual(await titles('stand still'), []);
  await setNtfy(true);
  await lookAtChannels('another look');
  await lookAtChannels('one more look');
  if (ntfy !== undefined) assert.equal((await titles('2 channels stand still')).length, 1);
  assert.equal(await readFile(inbox, 'utf8'), told);
  assert.match(await schedule(), /^main .* 2 channels stand still \(.*\): tested-(?:athena|delos), tested-/m);
  assert.match((await house.lockkeeper(['doctor'])).stdout, /channels .*2 channels of main stand still/);
  assert.equal(await schedule('resume', 'main'), 'main watches main again.\n');
  await untilTested(third);
  await until(
    async () => (await shown()).verified === third,
    30_000,
    () => 'not shown as verified',
  );

  await lookAtChannels('a look at what moves');
  assert.equal(await readFile(inbox, 'utf8'), told);
  assert.doesNotMatch(await schedule(), /still/);

  const broken = await fleet.pushToMain({ 'flake.nix': '{ outputs = "none' });
  assert.match(await schedule('trigger', 'main'), /^main: verification of main asked for/);
  await until(
    async () => (await shown()).trouble !== null,
    60_000,
    () => 'no trouble',
  );
  const { verified, trouble } = await shown();
  assert.deepEqual(
    [verified, trouble?.startsWith('the last run failed: ')],
    [null, true],
    `${trouble ?? ''} ${broken}`,
  );
  assert.match((await house.lockkeeper(['doctor'])).stdout, /watcher main .*the last run failed/);

  await git(fleet.remote, 'update-ref', 'refs/heads/main', third);
  // Nobody can be told.
  await chmod(inbox, 0o400);
  await setNtfy(false);
  await watcher.signal('lookNow', { about: 'lookNow', again: false });
  await until(
    async () => (await shown()).trouble?.startsWith('main was force-pushed') === true,
    60_000,
    () => worker.output().slice(-2000),
  );
  await chmod(inbox, 0o600);
  await watcher.signal('lookNow', { about: 'lookNow', again: false });
  const lost = `main was force-pushed: it is at ${third.slice(0, 12)}, and does not have ${broken.slice(0, 12)} any more.`;
  await until(
    async () => (await readFile(inbox, 'utf8')).includes(lost),
    30_000,
    () => worker.output().slice(-2000),
  );

  const removed = await apply('');
  assert.deepEqual(removed, [
    { kind: 'removed', instance: 'channels:watching' },
    { kind: 'removed', instance: 'main' },
  ]);
  assert.equal((await watcher.describe()).status.name, 'TERMINATED');
  for (const [toml, why] of [
    ['mode = "update"\npoll = "5min"\n', /instances\.main\.poll .* is for instances that verify main/],
    ['poll = "5min"\nfailuresPause = true\n', /instances\.main\.failuresPause .* pauses schedules/],
  ] as const) {
    const refused = await house.lockkeeper(['config', 'check', ...(await configure(`[instances.main]\n${toml}`))]);
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr + refused.stdout, why);
  }
});
