import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../../activities/command/process.js';
import { flakeShape } from '../../activities/nix/flake-file.js';
import { readVariables } from '../../activities/sandbox/variables.js';

/** Files that somebody names, or that an upstream or an agent wrote, are read within limits: nothing hangs or takes all memory. */

const COMMAND = fileURLToPath(new URL('../../../bin/lockkeeper', import.meta.url));
const LIMIT_MS = 15_000;
const SPARSE_BYTES = 10 * 1024 ** 3;

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'lockkeeper-read-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Things that have no end, or that nobody writes to, and what is said of them. */
async function endless(folder: string): Promise<readonly (readonly [file: string, words: RegExp])[]> {
  const [large, pipe] = [path.join(folder, 'large'), path.join(folder, 'pipe')];
  await writeFile(large, '');
  await truncate(large, SPARSE_BYTES);
  assert.equal((await run('mkfifo', [pipe])).exitCode, 0);
  return [
    [large, /it is larger than \d+\.\d MiB/],
    ['/dev/zero', /it is neither a file nor a pipe/],
    [pipe, /it is a pipe to which nobody writes/],
    [folder, /it is a folder/],
  ];
}

test('a configuration without end, or that nobody writes, is said at once', () =>
  withFolder(async (folder) => {
    for (const [file, words] of await endless(folder)) {
      const { exitCode, stderr, timedOut } = await run(COMMAND, ['config', 'check', '--file-only', '--config', file], {
        timeoutMs: LIMIT_MS,
      });
      assert.equal(timedOut, false, file);
      assert.equal(exitCode, 1, stderr);
      assert.match(stderr, words);
    }
  }));

test('a configuration may come from a pipe, as shells make them', async () => {
  const child = spawn(
    'bash',
    [
      '-c',
      `exec "$0" config check --file-only --json --config <(sleep 0.3; echo '[instances.x]'; sleep 0.3; echo 'repoPath = "/src"')`,
      COMMAND,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  child.stdout.setEncoding('utf8');
  let said = '';
  child.stdout.on('data', (text: string) => (said += text));
  const [code] = (await once(child, 'close')) as [number];
  assert.equal(code, 0);
  assert.deepEqual((JSON.parse(said) as { readonly instances: unknown }).instances, ['x']);
});

test('variables of an agent are read from no file without end', { timeout: LIMIT_MS }, () =>
  withFolder(async (folder) => {
    for (const [file, words] of await endless(folder)) await assert.rejects(readVariables(file), words);
  }),
);

test('a flake.nix that takes all memory or all time cannot be read as data', { timeout: LIMIT_MS }, async () => {
  for (const inputs of [
    'builtins.genList (i: i) 400000000',
    `builtins.foldl' (a: _: a + a) "x" (builtins.genList (i: i) 40)`,
  ])
    assert.equal(await flakeShape(`{ inputs = ${inputs}; outputs = _: { }; }`), null);
});
