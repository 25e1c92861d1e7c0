import assert from 'node:assert/strict';
import { appendFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { BuildCounter, builderMark, readEvidence } from '../../activities/nix/build/build-log.js';
import { LogFollower } from '../../activities/supervised/log.js';
import { createReadLog } from '../../activities/supervised/read-log.js';
import { lineCutter } from '../../host/line-cutter.js';
import { stateDirectory } from '../../model/machine/state-directory.js';
import { wholeFile, withFolder } from '../support/scope.js';

const root = await withFolder(wholeFile);
const log = path.join(root, 'builds', 'run', 'record', 'log');
await mkdir(path.dirname(log), { recursive: true });

const drv = (name: string): string => `/nix/store/00000000000000000000000000000000-${name}.drv`;
const readLog = () => createReadLog({ state: stateDirectory(root), machine: 'm', hostName: 'h' });

const followed = (offset: number): { counter: BuildCounter; follower: LogFollower } => {
  const counter = new BuildCounter();
  const follower = new LogFollower(log, offset, (lines) => {
    counter.take(lines);
  });
  return { counter, follower };
};

test('progress of a growing log counts derivations, whatever builders print and wherever a read ends', async () => {
  await writeFile(log, 'an earlier start\n');
  const { counter, follower } = followed(17);
  assert.deepEqual(await follower.read(), { bytes: 17, lastLines: [] });
  assert.deepEqual(counter.progress(), { done: 0, planned: 0, plan: null, trouble: null });
  await appendFile(
    log,
    `these 3 derivations will be built:\n  ${drv('a')}\nbuilding '${drv('a')}'...\na> \u001b[1mhel`,
  );
  await follower.read();
  assert.equal(counter.progress().planned, 3);
  await appendFile(log, `lo\u001b[0m\nbuilding '${drv('b')}'...\nb> building '${drv('x')}'...\n`);
  const { lastLines } = await follower.read();
  assert.equal(counter.progress().done, 1);
  assert.deepEqual(lastLines, ['a> hello', `building '${drv('b')}'...`, `b> building '${drv('x')}'...`]);
});

test('what Nix cannot reach is told once for each fault, and builders and traces are not taken for Nix', async () => {
  const unresolved = "': Couldn't resolve host name (6); retrying in 291 ms\n";
  await writeFile(
    log,
    "a> error: unable to download 'https://builder.example/': Connection refused\ntrace: timed out\n",
  );
  const { counter, follower } = followed(0);
  const trouble = async (): Promise<string | null> => {
    await follower.read();
    return counter.progress().trouble;
  };
  assert.equal(await trouble(), null);
  await appendFile(
    log,
    `warning: error: unable to download 'https://me:secret@cache.example/nix-cache-info${unresolved}`,
  );
  assert.equal(await trouble(), 'a host name cannot be resolved: cache.example');
  await appendFile(log, `warning: error: unable to download 'https://other.example/x${unresolved}`);
  assert.equal(await trouble(), 'a host name cannot be resolved: cache.example');
  await appendFile(log, 'error: writing to file: No space left on device\n');
  assert.equal(await trouble(), 'no space left');
});

test('the lines of a builder are found by its name without version, as Nix marks them', () => {
  const marks = [
    'autoconf-2.69.tar.xz',
    'bash44-002',
    'nixos-system-a-20.09.1',
    'gcc-wrapper-stage-x',
    '01-fix-with-2.28',
  ];
  assert.deepEqual(
    marks.map((name) => builderMark(drv(name))),
    ['autoconf', 'bash44', 'nixos-system-a', 'gcc-wrapper-stage-x', '01-fix-with'],
  );
});

test('a builder cannot pretend to be Nix', async () => {
  await writeFile(log, `building '${drv('a')}'...\na> error: builder for '${drv('other')}' failed with exit code 1\n`);
  assert.deepEqual(await readEvidence(log, 0), { nixLines: [], started: [drv('a')], plan: null });
});

test('a log is read in slices that end between characters and keep control characters', async () => {
  await writeFile(log, 'a\u001b[1m€€');
  const first = await readLog()({ logPath: log, offset: 0, limit: 9 });
  assert.deepEqual(first, { text: 'a\u001b[1m€', nextOffset: 8, size: 11 });
  assert.deepEqual(await readLog()({ logPath: log, offset: 8, limit: 9 }), { text: '€', nextOffset: 11, size: 11 });
  assert.deepEqual(await readLog()({ logPath: log, offset: 11, limit: 9 }), { text: '', nextOffset: 11, size: 11 });
});

test('only logs below the folder of builds are read, also through links and dots', async () => {
  await writeFile(path.join(root, 'secret'), 'secret');
  await symlink('/etc/passwd', path.join(root, 'builds', 'run', 'link'));
  for (const logPath of [
    path.join(root, 'secret'),
    `${root}/builds/../secret`,
    path.join(root, 'builds', 'run', 'link'),
    path.join(root, 'builds', 'run', 'missing'),
    '/etc/passwd',
  ]) {
    await assert.rejects(readLog()({ logPath, offset: 0, limit: 10 }), { type: 'LogUnavailable', nonRetryable: true });
  }
});

test('a line of 200 MB, floods of carriage returns and bytes that are no text are read in little memory', async () => {
  const long = path.join(root, 'long');
  await writeFile(long, `building '${drv('a')}'...\r\n`);
  for (let part = 0; part < 50; part += 1) await appendFile(long, Buffer.alloc(4 * 1024 * 1024, 'x\r\0\xff'));
  await appendFile(long, `\nerror: the end`);
  const before = process.memoryUsage().rss;
  const { nixLines, started } = await readEvidence(long, 0);
  assert.ok(process.memoryUsage().rss - before < 100e6);
  assert.deepEqual(started, [drv('a')]);
  assert.equal(nixLines.length, 2);
  assert.ok((nixLines[0] ?? '').length <= 4000);
  assert.equal(nixLines[1], 'error: the end');
});

test('lines come together however a stream is cut, and each is cut at its limit', () => {
  const whole = 'one\r\n\nthree is longer\nénd';
  for (let at = 0; at <= Buffer.byteLength(whole); at += 1) {
    const lines = lineCutter(8);
    const bytes = Buffer.from(whole);
    const seen = [...lines.push(bytes.subarray(0, at)), ...lines.push(bytes.subarray(at))];
    assert.deepEqual([...seen, lines.rest()], ['one', '', 'three is', 'énd']);
  }
});
