import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { identify } from '../../host/processes.js';
import type { Cache } from '../../model/caches/types.js';
import { withCachePrograms } from '../support/cache-programs.js';
import { withPutCache, withSecretKey } from '../support/put-cache.js';
import { withFolder } from '../support/scope.js';
import { withUploads } from '../support/uploads.js';

test('what cachix, attic and a program of the operator upload is looked up, and what they leave out is named', async (t) => {
  const [programs, put, key, folder] = [
    await withCachePrograms(t),
    await withPutCache(t),
    await withSecretKey(t, 'server-1'),
    await withFolder(t),
  ];
  const [token, wrong] = [path.join(folder, 'token'), path.join(folder, 'wrong')];
  await writeFile(token, 's3cret\n', { mode: 0o600 });
  await writeFile(wrong, 'guess\n', { mode: 0o600 });
  const uploads = await withUploads(t, {
    PATH: `${programs}:${process.env.PATH ?? ''}`,
    ...{ SERVED: put.folder, SERVER_KEY: key.file, SERVER_TOKEN: 's3cret' },
  });
  const shared = { tokenFile: token, trustedKeys: [key.trusted], upstreams: [] };
  const kinds: Readonly<Record<string, Partial<Cache>>> = {
    cachix: { to: 'cachix://mine', readUrl: put.url },
    attic: { to: `attic+${put.url}/fleet` },
    command: { to: `command://${programs}/upload`, readUrl: put.url },
  };
  for (const [kind, its] of Object.entries(kinds)) {
    const cache = { ...shared, ...its };
    const { outPath } = await uploads.build(kind);
    const refused = await uploads.upload({ ...cache, tokenFile: wrong }, { outPath });
    assert.deepEqual([refused.outcome, refused.paths], ['failed', 0], kind);
    assert.match(refused.reason ?? '', /: 401|Unauthorized|wrong token/);
    const first = await uploads.upload(cache, { outPath });
    assert.deepEqual([first.outcome, first.paths, first.reason], ['uploaded', 2, null], kind);
    assert.ok(first.bytes > 100);
    const again = await uploads.upload(cache, { outPath });
    assert.deepEqual([again.outcome, again.paths, again.reason], ['nothing-to-do', 0, null], kind);
    const { outPath: other } = await uploads.build(`${kind}-2`);
    const tokenless = await uploads.upload({ ...cache, tokenFile: '/nowhere' }, { outPath: other });
    assert.match(tokenless.reason ?? '', /^the token file \/nowhere does not exist/);
    assert.equal(tokenless.again, undefined);
    const stranger = await withSecretKey(t, 'server-1');
    const unsigned = await uploads.upload({ ...cache, trustedKeys: [stranger.trusted] }, { outPath });
    assert.match(unsigned.reason ?? '', /^2 of 2 paths are not signed by a key that hosts trust, such as /, kind);
    if (kind === 'cachix')
      assert.deepEqual([...put.authorizations], [], 'who reads elsewhere is not given what writes');
  }
  assert.equal(put.authorization(), null, 'a command reads nothing with its token');
  assert.ok(put.authorizations.has(`Basic ${Buffer.from(':s3cret').toString('base64')}`), 'Attic does');

  const { outPath } = await uploads.build('idle');
  const idle = { ...shared, ...kinds.command };
  await writeFile(path.join(put.folder, 'idle'), '');
  const nothing = await uploads.upload(idle, { outPath });
  assert.match(
    nothing.reason ?? '',
    /^2 of 2 paths are not there, such as \/nix\/store\//,
    'it said that all was well',
  );
  await rm(path.join(put.folder, 'idle'));
  const gone = await uploads.upload({ ...idle, to: `command://${programs}/gone` }, { outPath });
  assert.match(gone.reason ?? '', /gone: not found|No such file/);
  assert.equal(gone.again, undefined, 'no other try changes it');
});

test('a program that hangs is ended, so that it stops no other upload, and is tried again', async (t) => {
  const [programs, put, key] = [await withCachePrograms(t), await withPutCache(t), await withSecretKey(t)];
  const [token, hang] = [path.join(put.folder, 'token'), path.join(put.folder, 'hang')];
  await writeFile(token, 's3cret\n', { mode: 0o600 });
  await writeFile(hang, '');
  const uploads = await withUploads(
    t,
    { SERVED: put.folder, SERVER_KEY: key.file, SERVER_TOKEN: 's3cret' },
    LONG_ENOUGH_MS,
  );
  const { outPath } = await uploads.build('hanging');
  const cache = { to: `command://${programs}/upload`, readUrl: put.url, tokenFile: token, trustedKeys: [key.trusted] };
  const hung = await uploads.upload(cache, { outPath });
  assert.deepEqual([hung.outcome, hung.again], ['failed', true]);
  assert.match(hung.reason ?? '', /^the upload said nothing for \S+ s, and was ended$/);
  const pid = Number(await readFile(hang, 'utf8'));
  assert.ok(pid > 0);
  assert.equal(await identify(pid), null);
  await rm(hang);
  assert.equal((await uploads.upload(cache, { outPath })).outcome, 'uploaded');
});

/** Longer than a machine that is slow needs for two small paths. */
const LONG_ENOUGH_MS = 10_000;

test('what was finished of a host whose build failed is uploaded, and nothing else', async (t) => {
  const [folder, key] = [await withFolder(t), await withSecretKey(t)];
  const uploads = await withUploads(t);
  const { drvPath, outPath } = await uploads.buildBroken('broken');
  const cache = { to: `file://${folder}`, secretKeyFile: key.file };
  const { outcome, paths, reason } = await uploads.upload(cache, { outPath, brokenDrv: drvPath });
  assert.deepEqual([outcome, paths, reason], ['uploaded', 1, null]);
  const again = await uploads.upload(cache, { outPath, brokenDrv: drvPath });
  assert.equal(again.outcome, 'nothing-to-do');
});
