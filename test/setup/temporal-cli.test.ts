import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../../activities/command/process.js';
import { openDownloadProxy, type Answer } from '../support/download-proxy.js';
import { missing } from '../support/tools.js';

const skip = missing('openssl');
const project = fileURLToPath(new URL('../../../', import.meta.url));

/** A Temporal CLI that knows its version, and nothing else. */
const cli = (version: string): string => `#!/bin/sh\necho 'temporal version ${version} (Server 1.29.1)'\nexit\n`;

/** A Go that "builds" such a CLI. */
const GO = `#!/bin/sh
PATH=/usr/bin:/bin
case $1 in
version) echo 'go version go1.25.0 linux/amd64' ;;
install) mkdir -p "$GOBIN" && cp "$(dirname "$0")/built" "$GOBIN/temporal" ;;
esac
`;

/** A server's answers to the SDK: what there is, and then the archive. */
async function serve(folder: string, host: string, content: string, part = 1): Promise<Answer> {
  await writeFile(path.join(folder, 'temporal'), content, { mode: 0o755 });
  const packed = await run('tar', ['-czf', 'cli.tar.gz', 'temporal'], { cwd: folder });
  assert.equal(packed.exitCode, 0, packed.stderr);
  const archive = await readFile(path.join(folder, 'cli.tar.gz'));
  return ({ url }, response) => {
    if (url?.endsWith('cli.tar.gz') !== true)
      response.end(JSON.stringify({ archiveUrl: `https://${host}/cli.tar.gz`, fileToExtract: 'temporal' }));
    else if (part === 1) response.end(archive);
    else {
      response.writeHead(200, { 'content-length': archive.length });
      response.write(archive.subarray(0, archive.length * part), () => response.destroy());
    }
  };
}

/** Runs the step of the set-up in a project without tools; gives what it said, how long it took and what was installed. */
async function setUp(
  prepare: (folder: string, host: string) => Promise<Answer> | Answer,
): Promise<{ said: string; seconds: number; tools: readonly string[] }> {
  const root = await mkdtemp(path.join(tmpdir(), 'lockkeeper-setup-'));
  try {
    await cp(path.join(project, 'scripts'), path.join(root, 'scripts'), { recursive: true });
    await symlink(path.join(project, 'node_modules'), path.join(root, 'node_modules'));
    await mkdir(path.join(root, 'bin'));
    await writeFile(path.join(root, 'bin', 'go'), GO, { mode: 0o755 });
    await writeFile(path.join(root, 'bin', 'built'), cli('1.5.1'), { mode: 0o755 });
    const host = await downloadHost(root);
    const proxy = await openDownloadProxy(root, host, await prepare(root, host));
    const step =
      "import('./scripts/setup/temporal-cli.mjs').then(async (step) => console.log(await step.temporalCli()))";
    const started = Date.now();
    const got = await run(process.execPath, ['--eval', step], {
      cwd: root,
      env: { ...process.env, ...proxy.variables, TEMPORAL_CLI: '', PATH: path.join(root, 'bin') },
      timeoutMs: 60_000,
    }).finally(() => proxy.close());
    assert.equal(got.exitCode, 0, got.stderr);
    const seconds = (Date.now() - started) / 1000;
    return { said: got.stdout, seconds, tools: await readdir(path.join(root, '.cache', 'tools'), { recursive: true }) };
  } finally {
    await rm(root, { recursive: true });
  }
}

/** The server that the SDK downloads from, as a proxy that refuses hears it. */
async function downloadHost(root: string): Promise<string> {
  const proxy = await openDownloadProxy(root, 'unknown.example', 'refuse');
  await run(process.execPath, ['scripts/setup/sdk-download.mjs', root], {
    cwd: root,
    env: { ...process.env, ...proxy.variables },
    timeoutMs: 60_000,
  }).finally(() => proxy.close());
  const host = proxy.askedFor();
  assert.ok(host !== null, 'the SDK asked for nothing');
  return host;
}

const INSTALLED = ['bin', 'bin/temporal'];

test('the CLI that the SDK downloads is taken, and nothing is built', { skip }, async () => {
  const { said, tools } = await setUp((folder, host) => serve(folder, host, cli('1.6.2')));
  assert.match(said, /version 1\.6\.2 .*tools\/bin\/temporal, the SDK's download/);
  assert.deepEqual(tools, INSTALLED);
});

test('a server that never answers is given up after a few seconds, and the CLI is built', { skip }, async () => {
  const { said, seconds, tools } = await setUp(() => 'silence');
  assert.match(said, /version 1\.5\.1 .*built now/);
  assert.ok(seconds < 15, `${seconds} s`);
  assert.deepEqual(tools, INSTALLED);
});

test('a download that breaks off leaves nothing, and the CLI is built', { skip }, async () => {
  const large = cli('1.6.2') + randomBytes(500_000).toString('latin1');
  const { said, tools } = await setUp((folder, host) => serve(folder, host, large, 0.5));
  assert.match(said, /version 1\.5\.1 .*built now/);
  assert.deepEqual(tools, INSTALLED);
});

test('a CLI that is too old is not taken from the download', { skip }, async () => {
  const { said, tools } = await setUp((folder, host) => serve(folder, host, cli('1.4.9')));
  assert.match(said, /version 1\.5\.1 .*built now/);
  assert.deepEqual(tools, INSTALLED);
});
