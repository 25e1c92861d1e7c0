import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { Report } from '../../model/report/data.js';
import { withMovedFleet } from '../support/fleet.js';
import { until } from '../support/lockkeeper.js';
import { withPutCache, withSecretKey } from '../support/put-cache.js';
import { withServedHouse } from '../support/runs.js';
import { wholeFile, withFolder } from '../support/scope.js';
import { kill } from '../support/stage.js';

const { house } = await withServedHouse(wholeFile);

/** What became of uploads, as `HOST CACHE OUTCOME`. */
const uploads = ({ targets }: Report): readonly string[] =>
  targets.flatMap(({ name, caches = [] }) => caches.map(({ cache, outcome }) => `${name} ${cache} ${outcome}`));

const narInfos = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.narinfo'));

test('what is built is uploaded to caches in their order, signed, and seen there; what is there already is left alone', async (t) => {
  const fleet = await withMovedFleet(t, { hosts: [{ name: 'athena' }, { name: 'rhea' }] });
  const [folder, put, key] = [await withFolder(t), await withPutCache(t), await withSecretKey(t)];
  const caches = [
    '--cache',
    `${put.url} priority=60 secretKeyFile=${key.file} compression=zstd required=false`,
    '--cache',
    `file://${folder} secretKeyFile=${key.file}`,
  ];
  const first = await house.update(fleet.checkout, ...caches);
  assert.equal(first.exitCode, 0, first.stderr);
  assert.deepEqual(uploads(first.report), [
    ...['athena', 'rhea'].flatMap((name) => [`${name} file://${folder} uploaded`, `${name} ${put.url} uploaded`]),
  ]);
  for (const cache of [folder, put.folder]) {
    const files = await narInfos(cache);
    assert.equal(files.length, 2);
    for (const file of files) assert.match(await readFile(path.join(cache, file), 'utf8'), /^Sig: test-1:/m);
  }
  assert.match(first.stderr, /athena: built \(.*uploaded|athena: .*uploaded/);
  const text = await house.lockkeeper(['report', 'latest']);
  assert.match(text.stdout, /Binary caches\n {2}file:\/\/\S+ +uploaded +athena, rhea +2 paths, [\d.]+ \w+\n/);
  assert.match(text.stdout, /http:\/\/\S+ +uploaded +athena, rhea +not required, 2 paths/);

  const second = await house.update(fleet.checkout, '--dry-run', ...caches);
  assert.equal(second.exitCode, 0, second.stderr);
  assert.ok(
    uploads(second.report).every((each) => each.endsWith(' nothing-to-do')),
    JSON.stringify(second.report.targets),
  );
});

test('a cache that refuses or stays away is named, stops the channel, and fails neither the run nor another cache', async (t) => {
  const fleet = await withMovedFleet(t, { hosts: [{ name: 'athena' }] });
  const [folder, put, key] = [await withFolder(t), await withPutCache(t), await withSecretKey(t)];
  put.faults = [[/^PUT .*narinfo/, 401]];
  const { exitCode, report, stderr } = await house.update(
    fleet.checkout,
    ...['--cache', `${put.url} secretKeyFile=${key.file} priority=1`],
    ...['--cache', `file://${folder} secretKeyFile=${key.file}`, '--land', 'merge', '--channel', 'tested-{host}'],
  );
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(uploads(report), [`athena ${put.url} failed`, `athena file://${folder} uploaded`]);
  assert.match(report.targets[0]?.caches?.[0]?.reason ?? '', /HTTP error 401/);
  assert.deepEqual(
    report.channels.map(({ outcome, reason }) => [outcome, reason]),
    [['not-moved', `${put.url} does not have all of athena`]],
  );
  assert.deepEqual(Object.keys(await fleet.branches()), ['main']);
  assert.equal(put.asked.filter((each) => each.startsWith('PUT /nix-cache-info')).length, 1, 'tried once');
});

test('a cache that is down for a while keeps the run waiting, which says so; the upload is done then', async (t) => {
  const fleet = await withMovedFleet(t, { hosts: [{ name: 'athena' }] });
  const [put, key] = [await withPutCache(t), await withSecretKey(t)];
  put.faults = [[/^PUT /, 507]];
  const running = house.start(['update', fleet.checkout, '--json', '--cache', `${put.url} secretKeyFile=${key.file}`]);
  await until(
    () =>
      /athena: upload to http\S+ is tried again in \d+ s: .*does not appear to be a binary cache/.test(
        running.output(),
      ),
    60_000,
    () => running.output(),
  );
  put.faults = [];
  assert.deepEqual(uploads(await running.report()), [`athena ${put.url} uploaded`]);
});

test('an upload outlives its worker, and the next one follows it', async (t) => {
  const fleet = await withMovedFleet(t, { hosts: [{ name: 'athena' }] });
  const [folder, put, key] = [await withFolder(t), await withPutCache(t), await withSecretKey(t)];
  const [program, begun] = [path.join(folder, 'upload'), path.join(folder, 'begun')];
  const copy = `nix --extra-experimental-features nix-command copy --to 'file://${put.folder}?secret-key=${key.file}'`;
  await writeFile(program, `#!/bin/sh\necho "$$" >>${begun}\nsleep 8\nexec ${copy} "$@"\n`, { mode: 0o755 });
  const cache = `command://${program} readUrl=${put.url} trustedKeys=${key.trusted}`;
  const running = house.start(['update', fleet.checkout, '--json', '--cache', cache]);
  const beginnings = async (): Promise<number> =>
    (await readFile(begun, 'utf8').catch(() => '')).split('\n').length - 1;
  await until(async () => (await beginnings()) > 0, 60_000, running.output);
  await kill(house, 'worker');
  await house.dev();
  assert.deepEqual(uploads(await running.report()), [`athena command://${program} uploaded`]);
  assert.equal(await beginnings(), 1);
});

test('with uploadBroken, what was finished of a host whose build failed is uploaded as well', async (t) => {
  const fleet = await withMovedFleet(t, { hosts: [{ name: 'athena' }, { name: 'rhea', fail: 'build' }] });
  const [folder, key] = [await withFolder(t), await withSecretKey(t)];
  const cache = ['--cache', `file://${folder} secretKeyFile=${key.file}`, '--upload-broken'];
  const { report } = await house.update(fleet.checkout, '--dry-run', ...cache);
  assert.deepEqual(
    report.targets.map(({ name, verdict, caches = [] }) => [name, verdict, caches.map(({ outcome }) => outcome)]),
    [
      ['athena', 'built', ['uploaded']],
      ['rhea', 'build-failed', ['uploaded']],
    ],
  );
  assert.equal((await narInfos(folder)).length, 2, 'what rhea was to be built from');
});
