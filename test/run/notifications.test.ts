import assert from 'node:assert/strict';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../activities/command/process.js';
import { withFleet, withMovedFleet, type Fleet, type HostSpec } from '../support/fleet.js';
import { withHouse, type House } from '../support/lockkeeper.js';
import { ntfyMissing, withNtfy, type NtfyServer } from '../support/ntfy.js';
import { runningCommands } from '../support/processes.js';
import { connectTo, runInPhase } from '../support/runs.js';
import type { Scope } from '../support/scope.js';

const options = { skip: ntfyMissing };

interface Place {
  readonly house: House;
  readonly fleet: Fleet;
  readonly ntfy: NtfyServer;
  readonly tokenFile: string;
  /** Options that tell ntfy of a run, on a topic. */
  readonly flags: (topic: string) => readonly string[];
}

async function inPlace(scope: Scope, hosts: readonly HostSpec[]): Promise<Place> {
  const fleet = await withMovedFleet(scope, { hosts }, ['alpha']);
  const ntfy = await withNtfy(scope);
  const house = await withHouse(scope);
  const tokenFile = join(house.root, 'token');
  await writeFile(tokenFile, `${ntfy.token}\n`, { mode: 0o600 });
  const flags = (topic: string) => [
    ...['--ntfy-server', ntfy.url, '--ntfy-topic', topic],
    ...['--ntfy-token-file', tokenFile],
  ];
  return { house, fleet, ntfy, tokenFile, flags };
}

const priorities = async (ntfy: NtfyServer, topic: string): Promise<readonly unknown[]> =>
  (await ntfy.messages(topic)).map(({ priority }) => priority ?? 3);

test('each end of a run sends one message of its own kind', options, async (t) => {
  const { house, fleet, ntfy, flags } = await inPlace(t, [{ name: 'athena' }]);
  await house.dev();
  const ends: readonly (readonly [topic: string, exitCode: number, priority: number, title: RegExp])[] = [
    ['dry', 0, 2, /^🧪/u],
    ['landed', 0, 3, /^✅/u],
    ['unchanged', 2, 2, /^ℹ️/u],
    ['failed', 1, 4, /^❌/u],
  ];
  for (const [topic, exitCode, priority, title] of ends) {
    const more = { dry: ['--dry-run'], landed: ['--land', 'merge'], failed: ['--host', 'nobody'] }[topic] ?? [];
    const done = await house.lockkeeper(['update', fleet.checkout, '--json', ...flags(topic), ...more]);
    assert.equal(done.exitCode, exitCode, `${topic}: ${done.stderr}`);
    const [message, ...others] = await ntfy.messages(topic);
    assert.deepEqual(others, [], topic);
    assert.equal(message?.priority ?? 3, priority, topic);
    assert.match(String(message?.title), title, topic);
    assert.ok(String(message?.title).includes(fleet.remote), topic);
  }
});

test('a broken host is named in the message', options, async (t) => {
  const { house, fleet, ntfy, flags } = await inPlace(t, [
    { name: 'athena' },
    { name: 'rhea', fail: 'build-after-move' },
  ]);
  const { exitCode, report } = await house.update(fleet.checkout, ...flags('broken'), '--on-failure', 'report');
  assert.equal(exitCode, 1);
  const [message] = await ntfy.messages('broken');
  assert.match(String(message?.message), /✘ rhea: /u);
  assert.deepEqual(await priorities(ntfy, 'broken'), [4]);
  assert.deepEqual(report.notifications, [{ notifier: 'ntfy', event: 'finished', ok: true, error: null }]);
});

test('a request for approval carries the command that answers, and the end is told after it', options, async (t) => {
  const { house, fleet, ntfy, flags } = await inPlace(t, [{ name: 'athena' }]);
  await house.dev();
  const client = await connectTo(house);
  const update = house.start(['update', fleet.checkout, '--approve', '--json', ...flags('asked')]);
  const { run: name, head } = await runInPhase(client, 'waiting-for-approval', update);
  await client.connection.close();
  const begun = Date.now();
  while ((await ntfy.messages('asked')).length === 0 && Date.now() - begun < 30_000) await sleep(250);
  const [asked] = await ntfy.messages('asked');
  const lines = String(asked?.message).split('\n');
  const command = lines.find((line) => line.includes('lockkeeper approve'))?.replace(/^.*: /, '') ?? '';
  assert.equal(command, `lockkeeper approve ${name}`);
  assert.ok(String(asked?.message).includes(head ?? '-'));
  const [, ...args] = command.split(' ');
  assert.equal((await house.lockkeeper(args)).exitCode, 0, 'the command works as it was sent');
  assert.equal(await update.ended, 0);
  assert.deepEqual(await priorities(ntfy, 'asked'), [4, 3]);
});

test('a run that waits for approval reminds until its deadline', options, async (t) => {
  const { house, fleet, ntfy, flags } = await inPlace(t, [{ name: 'athena' }]);
  await house.dev();
  const times = ['--approval-deadline', '7s', '--approval-reminder', '2s'];
  const { exitCode, report } = await house.update(fleet.checkout, '--approve', ...times, ...flags('reminded'));
  assert.equal(exitCode, 4);
  const events = ['waiting', 'reminder', 'reminder', 'reminder', 'finished'];
  assert.deepEqual(
    report.notifications.map(({ event, ok }) => [event, ok]),
    events.map((event) => [event, true]),
  );
  assert.equal((await ntfy.messages('reminded')).length, events.length);
});

test('a notifier that is down fails no run, and the report shows it', async (t) => {
  const house = await withHouse(t);
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }] });
  await fleet.moveInput('alpha');
  const down = ['--ntfy-server', 'http://127.0.0.1:9', '--ntfy-topic', 'updates'];
  const { exitCode, stdout, stderr } = await house.lockkeeper(['update', fleet.checkout, ...down]);
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, /ntfy[^\n]*127\.0\.0\.1:9/);
  const { stdout: json } = await house.lockkeeper(['report', 'latest', '--format', 'json']);
  const { outcome, notifications } = JSON.parse(json) as {
    readonly outcome: string;
    readonly notifications: readonly Readonly<Record<string, unknown>>[];
  };
  assert.equal(outcome, 'landed');
  assert.deepEqual(
    notifications.map(({ notifier, ok }) => [notifier, ok]),
    [['ntfy', false]],
  );
});

test('the token is nowhere but in its file: not in histories, logs, reports or arguments', options, async (t) => {
  const { house, fleet, ntfy, tokenFile, flags } = await inPlace(t, [{ name: 'athena', seconds: 2 }]);
  const arguments_: string[] = [];
  const watching = setInterval(() => {
    void commandLines().then((lines) => arguments_.push(...lines.filter((line) => line.includes(ntfy.token))));
  }, 100);
  const dev = await house.dev();
  const { stdout, stderr, exitCode } = await house.lockkeeper(['update', fleet.checkout, ...flags('secret')]);
  clearInterval(watching);
  assert.equal(exitCode, 0, stderr);
  assert.equal((await ntfy.messages('secret')).length, 1, 'it was used');
  assert.deepEqual(arguments_, []);

  const client = await connectTo(house);
  const { address } = await house.server();
  const shown = [stdout, stderr, dev.output()];
  for await (const { workflowId } of client.workflow.list()) {
    const args = ['workflow', 'show', '--address', address, '--workflow-id', workflowId, '--output', 'json'];
    const { stdout: history } = await run(process.env.TEMPORAL_CLI ?? 'temporal', args);
    const payloads = [...history.matchAll(/"data": *"([^"]*)"/g)].map(([, data]) => data ?? '');
    shown.push(history, ...payloads.map((data) => Buffer.from(data, 'base64').toString('utf8')));
  }
  await client.connection.close();
  assert.ok(shown.length >= 6, 'the run, its verification and its lock have histories');
  for (const text of shown) assert.equal(text.includes(ntfy.token), false);
  assert.ok(
    shown.some((text) => text.includes(tokenFile)),
    'the file is what is named',
  );
  for (const entry of await readdir(house.state.root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    assert.equal((await readFile(file)).includes(ntfy.token), false, file);
  }
});

const commandLines = async (): Promise<readonly string[]> =>
  (await runningCommands()).map(({ words }) => words.join(' '));
