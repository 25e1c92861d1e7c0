import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { ListedCache } from '../../client/doctor/tried-caches.js';
import type { Finding } from '../../client/doctor/finding.js';
import { withHouse } from '../support/lockkeeper.js';
import { withPutCache, withSecretKey } from '../support/put-cache.js';
import { wholeFile, withFolder } from '../support/scope.js';

const house = await withHouse(wholeFile);

test('caches are tried from end to end, and the exit status is 1 when a required one is of no use', async (t) => {
  const [folder, put, key] = [await withFolder(t), await withPutCache(t), await withSecretKey(t)];
  const other = await withSecretKey(t, 'other-1');
  const checked = async (
    ...words: readonly string[]
  ): Promise<{ readonly exitCode: number | null; readonly listed: readonly ListedCache[] }> => {
    const flags = words.flatMap((word) => ['--cache', word]);
    const { exitCode, stdout, stderr } = await house.lockkeeper(['caches', '--check', '--json', ...flags]);
    assert.notEqual(stdout, '', stderr);
    return { exitCode, listed: JSON.parse(stdout) as readonly ListedCache[] };
  };
  const fine = await checked(`file://${folder}/c secretKeyFile=${key.file}`, `${put.url} secretKeyFile=${key.file}`);
  assert.deepEqual(
    [
      fine.exitCode,
      ...fine.listed.map(({ signedBy, trusted, reachable, writable, fault }) => [
        signedBy,
        trusted,
        reachable,
        writable,
        fault,
      ]),
    ],
    [0, ['test-1', ['test-1'], true, true, null], ['test-1', ['test-1'], true, true, null]],
  );

  put.faults = [[/^PUT .*nar/, 403]];
  const refusing = await checked(`${put.url} secretKeyFile=${key.file}`);
  assert.equal(refusing.exitCode, 1);
  assert.deepEqual([refusing.listed[0]?.reachable, refusing.listed[0]?.writable], [true, false]);
  assert.match(refusing.listed[0]?.fault ?? '', /^it takes no upload: .*403/);
  assert.equal((await checked(`${put.url} required=false`)).exitCode, 0, 'nothing waits for it');
  put.faults = [[/^GET /, 401]];
  const silent = await checked(`${put.url} secretKeyFile=${key.file}`);
  assert.deepEqual([silent.exitCode, silent.listed[0]?.reachable], [1, false]);
  put.faults = [];

  const strange = await checked(`file://${folder}/c secretKeyFile=${key.file} trustedKeys=${other.trusted}`);
  assert.equal(strange.exitCode, 1);
  assert.match(strange.listed[0]?.fault ?? '', /signs as test-1:\S+, which is not one of trustedKeys$/);
  const misspelt = await house.lockkeeper(['caches', '--cache', `file://${folder}?secret-key-file=${key.file}`]);
  assert.match(misspelt.stderr, /"secret-key-file" is not a parameter that Nix knows of this cache/);
  assert.equal(misspelt.exitCode, 1);
});

test('the caches of a configuration are listed with their instances, and doctor asks them', async (t) => {
  const [folder, key] = [await withFolder(t), await withSecretKey(t)];
  const file = path.join(folder, 'lockkeeper.toml');
  const cache = `{ to = "file://${folder}/c", secretKeyFile = "${key.file}" }`;
  await writeFile(
    file,
    `[instances.one]\nrepoPath = "${folder}"\ncaches = [${cache}]\n[instances.two]\nrepoPath = "${folder}"\nbranchPrefix = "two-"\n` +
      `caches = [${cache}, { to = "cachix://mine", tokenFile = "${folder}/token", required = false, priority = 3 }]\n`,
  );
  await writeFile(path.join(folder, 'token'), 'x', { mode: 0o644 });
  const listed = await house.lockkeeper(['caches', '--config', file]);
  assert.equal(listed.exitCode, 0, listed.stderr);
  assert.match(
    listed.stdout,
    /^cachix:\/\/mine .*not required.*\(two\)\n {2}✘ the file \S+\/token may be used by others/,
  );
  assert.match(listed.stdout, /\nfile:\/\/\S+\/c +required, priority 50, signed by test-1 {2}\(one, two\)\n$/);
  assert.doesNotMatch((await house.lockkeeper(['caches', 'one', '--config', file])).stdout, /cachix/);

  const doctor = async (): Promise<readonly (readonly [string, string])[]> => {
    const { stdout } = await house.lockkeeper(['doctor', '--json', '--config', file]);
    const { checks } = JSON.parse(stdout) as { readonly checks: readonly Finding[] };
    return checks.filter(({ name }) => name.startsWith('cache')).map(({ name, level }) => [name, level]);
  };
  const [cachix, own] = ['cache cachix://mine', `cache file://${folder}/c`];
  assert.deepEqual(await doctor(), [
    [cachix, 'warn'],
    [own, 'ok'],
  ]);
  await chmod(key.file, 0o644);
  assert.deepEqual(await doctor(), [
    [cachix, 'warn'],
    [own, 'fail'],
  ]);
});
