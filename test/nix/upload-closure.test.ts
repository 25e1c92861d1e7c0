import assert from 'node:assert/strict';
import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { UploadResult } from '../../model/contract/verification.js';
import type { Cache } from '../../model/caches/types.js';
import { signedWhenServed, withPutCache, withSecretKey } from '../support/put-cache.js';
import { withFolder } from '../support/scope.js';
import { otherNixes } from '../support/tools.js';
import { withUploads } from '../support/uploads.js';

const archiveIn = async (folder: string): Promise<string> =>
  `nar/${(await readdir(path.join(folder, 'nar')))[0] ?? ''}`;

for (const nix of [{ name: 'the Nix of this machine', binDir: null }, ...otherNixes().slice(-1)])
  test(`what nix copy passes over in silence is found and repaired, or named (${nix.name})`, async (t) => {
    const [folder, put, key] = [await withFolder(t), await withPutCache(t), await withSecretKey(t)];
    const PATH = nix.binDir === null ? process.env.PATH : `${nix.binDir}:${process.env.PATH ?? ''}`;
    const uploads = await withUploads(t, { PATH: PATH ?? '' });
    const { outPath } = await uploads.build('silent');
    const upload = (cache: Partial<Cache>): Promise<UploadResult> =>
      uploads.upload({ to: `file://${folder}`, ...cache }, { outPath });
    const signed = { secretKeyFile: key.file };
    const files = async (): Promise<readonly string[]> =>
      (await readdir(folder, { recursive: true })).filter((name) => /narinfo$|^nar\/./.test(name));
    const outcome = async (cache: Partial<Cache>): Promise<readonly unknown[]> => {
      const { outcome: what, paths, reason } = await upload(cache);
      return [what, paths, reason];
    };

    await uploads.copyPlainly(`file://${folder}`, outPath);
    assert.deepEqual(await outcome(signed), ['uploaded', 0, null], 'what had no signature is signed, not copied');
    for (const name of (await files()).filter((each) => each.endsWith('narinfo')))
      assert.match(await readFile(path.join(folder, name), 'utf8'), /^Sig: test-1:/m);
    assert.deepEqual(await outcome(signed), ['nothing-to-do', 0, null]);

    const [narInfo = '', archive = ''] = [
      (await files()).find((name) => name.endsWith('narinfo')),
      (await files()).find((name) => name.startsWith('nar/')),
    ];
    await rm(path.join(folder, narInfo));
    assert.deepEqual(await outcome(signed), ['uploaded', 1, null], 'Nix remembers that it was there');
    await rm(path.join(folder, archive));
    assert.deepEqual(await outcome(signed), ['uploaded', 1, null], 'Nix looks at no archive');
    await truncate(path.join(folder, await archiveIn(folder)), 20);
    assert.deepEqual(await outcome(signed), ['uploaded', 1, null], 'nor at how much of it is there');
    for (const cut of ['', 'StorePath: /nix/sto']) {
      await writeFile(path.join(folder, narInfo), cut);
      assert.deepEqual(await outcome(signed), ['uploaded', 1, null], 'Nix stumbles over what a dying machine wrote');
    }
    assert.deepEqual(await outcome(signed), ['nothing-to-do', 0, null]);

    const other = await withSecretKey(t, 'other-1');
    const untrusted = await upload({ trustedKeys: [other.trusted] });
    assert.equal(untrusted.outcome, 'failed');
    assert.match(
      untrusted.reason ?? '',
      /^2 of 2 paths are not signed by a key that hosts trust, such as \/nix\/store\//,
    );
    const text = await readFile(path.join(folder, narInfo), 'utf8');
    await writeFile(path.join(folder, narInfo), text.replace(/^NarHash: .*$/m, `NarHash: sha256:${'0'.repeat(52)}`));
    assert.match((await upload(signed)).reason ?? '', /^1 of 2 paths is there with other content than this machine/);

    const over = { ...signed, to: put.url };
    assert.deepEqual(await outcome(over), ['uploaded', 2, null]);
    put.faults = [[/^HEAD \/nar\//, 404]];
    assert.match((await upload(over)).reason ?? '', /^2 of 2 paths are without a whole archive, such as /);
    put.faults = [];
    await truncate(path.join(put.folder, await archiveIn(put.folder)), 20);
    assert.match((await upload(over)).reason ?? '', /^1 of 2 paths is without a whole archive, such as /, 'no DELETE');
    // A cache that signs when it serves: what Nix remembers of its own upload has no signature.
    const serving = await withPutCache(t);
    const secret = await readFile(key.file, 'utf8');
    serving.serves = (narInfo) => signedWhenServed(narInfo, secret);
    await uploads.copyPlainly(serving.url, outPath);
    const signs = { to: serving.url, trustedKeys: [key.trusted] };
    assert.deepEqual(await outcome(signs), ['nothing-to-do', 0, null], 'it is asked, and not what Nix remembers');
    delete serving.serves;
    assert.match((await upload(signs)).reason ?? '', /^2 of 2 paths are not signed by a key that hosts trust/);

    put.faults = [[/narinfo$/, 401]];
    const refused = await upload(over);
    assert.match(refused.reason ?? '', /^the cache http:\S+ does not say what it has: HTTP 401$/);
    assert.equal(refused.again, undefined);
    assert.match(
      (await upload({ secretKeyFile: '/nowhere' })).reason ?? '',
      /^the secret key \/nowhere does not exist/,
    );
  });
