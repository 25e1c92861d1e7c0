import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { sha256Bytes, toDigits } from '../../host/caches/nar-hash.js';
import { parseNarInfo } from '../../host/caches/narinfo.js';
import { cacheEnvironment } from '../../host/caches/nix-commands.js';
import { faultOf } from '../../host/caches/shelf.js';
import { fingerprint, isSigned, trustedKeys } from '../../host/caches/signature.js';
import { finishedParts } from '../../model/caches/finished.js';
import { lackingCaches, type CacheOutcome } from '../../model/caches/outcome.js';
import { cacheName } from '../../model/caches/name.js';
import type { PathInfo } from '../../model/closure/path-info.js';
import { inBatches } from '../../model/nix/batches.js';
import { readCache } from '../../model/config/cache.js';
import { cacheRows } from '../../model/caches/words.js';
import { withFolder } from '../support/scope.js';

const KEY = `k:${'A'.repeat(43)}=`;

test('a cache is read as it is written, and read again as it was read', () => {
  const cache = readCache({ to: 's3://b?region=eu&endpoint=h', secretKeyFile: '/k', trustedKeys: [KEY] }, 'caches[0]');
  assert.deepEqual(cache, {
    ...{ required: true, priority: 50, to: 's3://b?region=eu&endpoint=h', secretKeyFile: '/k', trustedKeys: [KEY] },
  });
  assert.deepEqual(readCache(cache, 'cache'), cache);
});

test('what would upload unsigned, or elsewhere, is refused by its name and with the way out', () => {
  for (const [cache, message] of [
    [{}, /^caches\[0\]\.to "null" is not an address of a cache, as text in quotes\.$/],
    [{ to: '/srv/cache' }, /^caches\[0\]\.to "\/srv\/cache" is not an address of a cache: give one such as file:/],
    [{ to: 'file://srv' }, /is not an absolute path: write file:\/\/\/FOLDER\.$/],
    [{ to: 'https://me:secret@h' }, /holds a user or password: put them into a file, and name it with netrcFile\.$/],
    [{ to: 'ssh-ng://-oProxyCommand=x' }, /is not an address such as ssh-ng:\/\/USER@HOST\.$/],
    [{ to: 'file:///c?secret-key-file=/k' }, /"secret-key-file" is not a parameter that Nix knows of this cache/],
    [{ to: 'file:///c?paralel-compression=true' }, /did you mean "parallel-compression"\?$/],
    [
      { to: 'file:///c?secret-key=/k' },
      /"secret-key" is not a parameter here: give secretKeyFile beside the address\.$/,
    ],
    [
      { to: 'file:///c', secretKeyfile: '/k' },
      /^caches\[0\]\.secretKeyfile "\/k" is unknown: did you mean "secretKeyFile"\?$/,
    ],
    [{ to: 'file:///c', netrcFile: '/n' }, /netrcFile "\/n" is of other caches: a cache at file: takes to, required, /],
    [{ to: 'ssh://h', secretKeyFile: '/k' }, /secretKeyFile "\/k" is of other caches: .* sshKeyFile\.$/],
    [{ to: 'file:///c', compression: 'rar' }, /compression "rar" is not one of none, xz/],
    [{ to: 'file:///c', trustedKeys: ['k'] }, /trustedKeys\[0\] "k" is not a public key: write NAME:BASE64/],
    [{ to: 's3://b', readUrl: 'ftp://h' }, /readUrl "ftp:\/\/h" is not an address such as https:/],
    [{ to: 'cachix://mine' }, /^caches\[0\] "cachix:\/\/mine" lacks tokenFile, which a cache at cachix: needs\.$/],
    [{ to: 'cachix://Mine', tokenFile: '/t' }, /does not name a cache: write cachix:\/\/NAME\.$/],
    [{ to: 'attic+https://h', tokenFile: '/t' }, /is not an address such as attic\+https:/],
    [{ to: 'attic+https://me:secret@h/c', tokenFile: '/t' }, /is not an address such as attic\+https:/],
    [{ to: 'attic+http://h/c', tokenFile: '/t' }, /would carry the token over the network unencrypted: give an attic/],
    [{ to: 'http://h', netrcFile: '/n' }, /to "http:\/\/h" would carry the password over the network unencrypted: /],
    [{ to: 'command:///bin/up' }, /lacks readUrl, which a cache at command: needs\.$/],
  ] as const)
    assert.throws(() => readCache(cache, 'caches[0]'), { message });
});

test('a secret of a cache travels unencrypted on this machine alone', () => {
  for (const cache of [
    { to: 'http://127.0.0.1:8080', netrcFile: '/n' },
    { to: 'attic+http://localhost/c', tokenFile: '/t' },
    { to: 'http://cache.lan', secretKeyFile: '/k' },
  ])
    assert.equal(readCache(cache, 'cache').to, cache.to);
});

test('two caches are two by their addresses and by what makes them another cache, not by how they are written to', () => {
  assert.equal(cacheName('s3://b/?region=eu&endpoint=h:9000&compression-level=3'), 's3://b?endpoint=h:9000');
  assert.equal(cacheName('file:///c/?compression-level=3'), 'file:///c');
  assert.equal(cacheName('ssh-ng://h?remote-store=/x'), 'ssh-ng://h?remote-store=/x');
  const caches = ['s3://b?endpoint=one', 's3://b?endpoint=two'].map((to) => ({ to, required: true, priority: 1 }));
  const has = { verdict: 'built', caches: [outcome('s3://b?endpoint=one')] } as const;
  assert.deepEqual(lackingCaches(has, caches), ['s3://b?endpoint=two']);
});

const outcome = (cache: string, change: Partial<CacheOutcome> = {}): CacheOutcome => ({
  ...{ cache, required: true, outcome: 'uploaded', reason: null, paths: 2, bytes: 2048, seconds: 1 },
  ...{ machine: 'm', logPath: '/log', ...change },
});

test('a target is in all required caches, or those that lack it are named', () => {
  const caches = [
    { to: 'file:///a/?compression-level=3', required: true, priority: 1 },
    { to: 's3://b', required: false, priority: 2 },
    { to: 's3://c', required: true, priority: 3 },
  ];
  const lacking = (...caches_: readonly CacheOutcome[]): readonly string[] =>
    lackingCaches({ verdict: 'built', caches: caches_ }, caches);
  assert.deepEqual(lacking(outcome('file:///a'), outcome('s3://c', { outcome: 'nothing-to-do' })), []);
  assert.deepEqual(lacking(outcome('file:///a'), outcome('s3://c', { outcome: 'failed' })), ['s3://c']);
  assert.deepEqual(lacking(), ['file:///a', 's3://c']);
  assert.deepEqual(lackingCaches({ verdict: 'build-failed', caches: [outcome('s3://c')] }, caches.slice(2)), [
    's3://c',
  ]);
  assert.deepEqual(lackingCaches({ verdict: 'built' }), []);
});

test('targets of which the same became at a cache are told together', () => {
  const failed = { outcome: 'failed', reason: 'HTTP error 401', paths: 0 } as const;
  assert.deepEqual(
    cacheRows([
      { name: 'a', caches: [outcome('s3://c'), outcome('s3://d', { required: false, ...failed })] },
      {
        name: 'b',
        caches: [outcome('s3://c', { paths: 1, bytes: 1024 }), outcome('s3://d', { outcome: 'nothing-to-do' })],
      },
      { name: 'gate' },
    ]).map(({ cache, outcome: what, detail, targets }) => [cache, what, detail, targets.join(' ')]),
    [
      ['s3://c', 'uploaded', '3 paths, 3.0 KiB', 'a b'],
      ['s3://d', 'failed', 'not required, HTTP error 401', 'a'],
      ['s3://d', 'nothing-to-do', '', 'b'],
    ],
  );
});

/** As Nix 2.8 wrote it. */
const NARINFO = `StorePath: /nix/store/haa9vzdx4viz4i2scf50a1zdk30vhy19-cexp-c
URL: nar/1yckm95czx7d4phdzp8p52j1xm1rb2i33wkc7b3xxj68k9bc578x.nar.zst
Compression: zstd
NarHash: sha256:1j92v04glj792b9amql4jfi60y221q9kim1lgz0fa6w6kyrhsk0g
NarSize: 176
References: 2k0ikaa6vafjx9kgys0ha0m80avsasz5-cexp-b
Sig: k1:faHYRyDIC+vXjoDrSOlo4H0ZQVxos4dR88kf3MSlZpA658JgSNUY1d57WP/wWiAKkN/GR9ScfrGgP+/VbYBgDQ==
`;
const INFO = {
  path: '/nix/store/haa9vzdx4viz4i2scf50a1zdk30vhy19-cexp-c',
  narHash: 'sha256-D0wNs5+GG+XAfzTUOBMOQnhgopOE4qrSEulI+gjYIsk=',
  narSize: 176,
  references: ['/nix/store/2k0ikaa6vafjx9kgys0ha0m80avsasz5-cexp-b'],
  deriver: null,
  signatures: [],
  isContentAddressed: false,
};

test("a signature that Nix made is known as its key's, and over nothing else", () => {
  const seen = parseNarInfo(NARINFO);
  assert.equal(seen?.archive, 'nar/1yckm95czx7d4phdzp8p52j1xm1rb2i33wkc7b3xxj68k9bc578x.nar.zst');
  const [ours, theirs] = [sha256Bytes(INFO.narHash), sha256Bytes(seen.narHash)];
  assert.deepEqual(theirs, ours);
  assert.equal(`sha256:${toDigits(ours ?? Buffer.alloc(32))}`, seen.narHash);
  const keys = trustedKeys(['k1:ZuOz7Z3qRVLqKjZfwBrx/Cgf/TZLnY+yfJJsF4Yc5u0=']);
  assert.equal(isSigned(INFO, seen.signatures, keys), true);
  assert.equal(isSigned({ ...INFO, narSize: 177 }, seen.signatures, keys), false);
  assert.equal(
    isSigned(INFO, ['k1:', 'k2:AAAA', 'k1', ...seen.signatures], trustedKeys([`k1:${'A'.repeat(43)}=`])),
    false,
  );
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const own = `o:${Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64')}`;
  const signature = `o:${sign(null, Buffer.from(fingerprint(INFO)), privateKey).toString('base64')}`;
  assert.equal(isSigned(INFO, [signature], trustedKeys([own])), true);
});

test('a path stands for its content where the cache says so, for hosts know nothing else of it', () => {
  const faultAs = (text: string): unknown => {
    const seen = parseNarInfo(text.replace(/^Sig: .*\n/m, ''));
    assert.ok(seen !== null);
    const info = { ...INFO, isContentAddressed: true };
    return faultOf(info, { ...seen, hasArchive: true }, trustedKeys([KEY]));
  };
  assert.equal(faultAs(NARINFO), 'unsigned');
  assert.equal(faultAs(`${NARINFO}CA: fixed:r:sha256:1j92v04glj792b9amql4jfi60y221q9kim1lgz0fa6w6kyrhsk0g\n`), null);
});

test('keys of S3 from a file are not overridden by those of the environment', async (t) => {
  const folder = await withFolder(t);
  const credentialsFile = path.join(folder, 'credentials');
  await writeFile(credentialsFile, '[default]\naws_access_key_id = a\naws_secret_access_key = b\n', { mode: 0o600 });
  const names = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_PROFILE'];
  for (const name of names) {
    const before = process.env[name];
    t.after(() => {
      if (before === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = before;
    });
    process.env[name] = 'of another';
  }
  const cache = { to: 's3://b', required: true, priority: 1 };
  const own = await cacheEnvironment({ ...cache, credentialsFile }, path.join(folder, 'client'));
  assert.deepEqual(
    [...names, 'AWS_EC2_METADATA_DISABLED', 'AWS_SHARED_CREDENTIALS_FILE'].map((name) => own[name]),
    [undefined, undefined, undefined, undefined, 'true', credentialsFile],
  );
  const without = await cacheEnvironment(cache, path.join(folder, 'client'));
  assert.equal(without.AWS_PROFILE, 'of another');
});

test('of a broken build, what was built here or by a machine that builds for this one is uploaded, as few roots as name it', () => {
  const made = (name: string, of: readonly string[], more: Partial<PathInfo> = {}): PathInfo => ({
    ...{ ...INFO, path: `/s/${name}`, references: of.map((each) => `/s/${each}`) },
    ...more,
  });
  const parts = finishedParts([
    made('top', ['top', 'middle', 'fetched'], { isBuiltHere: true }),
    made('middle', []),
    made('remote', ['fetched']),
    made('fetched', [], { signatures: ['cache.nixos.org-1:x'] }),
    made('source', [], { isContentAddressed: true }),
    made('own-source', [], { isContentAddressed: true, isBuiltHere: true }),
  ]);
  assert.deepEqual(parts, ['/s/top', '/s/remote', '/s/own-source']);
});

test('as many paths as there may be fit into command lines', () => {
  const paths = Array.from({ length: 2001 }, (_, index) => `/s/${index}`);
  assert.deepEqual(
    inBatches(paths).map((some) => some.length),
    [1000, 1000, 1],
  );
  assert.deepEqual(inBatches(paths).flat(), paths);
  assert.deepEqual(inBatches([]), []);
});

test('an archive elsewhere than in its cache is none', () => {
  for (const url of ['https://evil.example/x', '/etc/passwd', '../x'])
    assert.equal(parseNarInfo(NARINFO.replace(/^URL: .*$/m, `URL: ${url}`))?.archive, null);
  for (const text of ['<html>', NARINFO.replace(/^URL: .*$/m, ''), NARINFO.slice(0, NARINFO.indexOf('NarSize'))])
    assert.equal(parseNarInfo(text), null);
});
