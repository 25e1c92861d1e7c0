import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { Client } from '@temporalio/client';
import type { RunProgress } from '../../model/progress/progress.js';
import { withFleet } from '../support/fleet.js';
import { commitFiles } from '../support/git.js';
import { until, type Running } from '../support/lockkeeper.js';
import { runInPhase, withServedHouse } from '../support/runs.js';
import { wholeFile } from '../support/scope.js';

/** A run whose candidate is nearly as large as one may be: 200 KiB for each activity that gets it. */
const HOSTS = process.env.LOCKKEEPER_TEST_FULL === undefined ? 24 : 50;
const LIMIT_BYTES = 20 * 1024 * 1024;
const NAMES = Array.from({ length: HOSTS }, (_, index) => `host${index}`);
/** The last one by name, and so of the last of several verifications. */
const SLOW = 'host9';

const fleet = await withFleet(wholeFile, {
  hosts: NAMES.map((name) => ({ name, seconds: name === SLOW ? 25 : 0 })),
});
const { house, client } = await withServedHouse(wholeFile, '--slots', '8');

const LOCKED = 100;
/** What nobody can compress to less than half of it. */
const noise = (bytes: number): string => randomBytes(bytes).toString('hex');

/** A new version of an input, with inputs of its own that are locked to references of 2 KiB each. */
async function lockMuch(repository: string): Promise<void> {
  const inputs = Array.from({ length: LOCKED }, (_, index) => ({ name: `input${index}`, ref: noise(2 * 1024) }));
  const nodes = inputs.map(({ name, ref }) => {
    const github = { type: 'github', owner: 'nobody', repo: name };
    const narHash = `sha256-${randomBytes(32).toString('base64')}`;
    const locked = { ...github, lastModified: 1, narHash, rev: noise(20) };
    return [name, { locked, original: { ...github, ref }, flake: false }] as const;
  });
  const root = { inputs: Object.fromEntries(inputs.map(({ name }) => [name, name])) };
  const declared = inputs.map(
    ({ name, ref }) => `  inputs.${name} = { url = "github:nobody/${name}/${ref}"; flake = false; };`,
  );
  await commitFiles(
    repository,
    {
      'flake.nix': ['{', ...declared, '  outputs = _: { lib.version = import ./version.nix; };', '}'].join('\n'),
      'flake.lock': JSON.stringify({
        nodes: { ...Object.fromEntries<unknown>(nodes), root },
        root: 'root',
        version: 7,
      }),
      'version.nix': '2\n',
    },
    'Version 2',
  );
}

/** Waits until a run knows the verdicts of all hosts but the slow one. */
async function untilOneIsLeft(client: Client, running: Running): Promise<RunProgress> {
  let progress: RunProgress | undefined;
  const open = (): readonly string[] =>
    progress?.targets.filter(({ state }) => state !== 'done').map(({ name }) => name) ?? [];
  const { run } = await runInPhase(client, 'verifying', running);
  await until(
    async () => {
      progress = await client.workflow.getHandle(run).query<RunProgress>('progress');
      return open().join() === SLOW;
    },
    120_000,
    () => `not done: ${open().join(', ')}`,
  );
  assert.ok(progress);
  return progress;
}

test('a run whose candidate has 200 KiB shows each of its verifications, and ends with no history near its limit', async () => {
  await lockMuch(fleet.inputs.alpha ?? '');
  const running = house.start(['update', fleet.checkout, '--json']);
  const { children } = await untilOneIsLeft(client, running);
  assert.ok(children.length > 1, 'it takes several verifications');
  const report = await running.report();
  assert.deepEqual(new Set(report.targets.map(({ verdict }) => verdict)), new Set(['built']));
  const sizes: number[] = [];
  for await (const { historySize } of client.workflow.list()) sizes.push(historySize ?? 0);
  assert.ok(Math.max(...sizes) > 200 * 1024, 'the bundle is as large as meant');
  assert.ok(Math.max(...sizes) < LIMIT_BYTES, `${sizes.join(', ')} bytes`);
});
