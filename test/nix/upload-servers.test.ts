import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { run } from '../../activities/command/process.js';
import { motoMissing, withS3 } from '../support/moto.js';
import { withPutCache, withSecretKey } from '../support/put-cache.js';
import { withFolder } from '../support/scope.js';
import { sshdMissing, startSshd } from '../support/sshd.js';
import { otherNixes } from '../support/tools.js';
import { withUploads } from '../support/uploads.js';

/** Debian's older ones cannot talk to S3. */
const s3Nix = otherNixes().find(({ name }) => name === 'Nix 2.34');
const s3Missing = s3Nix === undefined ? 'no Nix 2.34, which can talk to S3' : motoMissing;

test(
  'the store of another machine is filled over SSH with the key that is named; another key and no server are told',
  { skip: sshdMissing },
  async (t) => {
    const [folder, ssh] = [await withFolder(t), await startSshd(await withFolder(t))];
    t.after(() => ssh[Symbol.asyncDispose]());
    const { port } = new URL(ssh.url);
    // Older versions of Nix take no port in the address. A value with a space would be two options.
    const hosts = path.join(folder, 'known-hosts');
    assert.equal((await run('cp', [ssh.knownHosts, hosts])).exitCode, 0);
    const [key, stranger] = [path.join(folder, 'key'), path.join(folder, 'stranger')];
    for (const [from, to] of [
      [ssh.key, key],
      [ssh.strangeKey, stranger],
    ] as const)
      assert.equal((await run('cp', ['--preserve=mode', from, to])).exitCode, 0);
    const NIX_SSHOPTS = `-p ${port} -o IdentitiesOnly=yes -o UserKnownHostsFile=${hosts}`;
    const uploads = await withUploads(t, { NIX_SSHOPTS });
    const { outPath } = await uploads.build('ssh');
    const to = `ssh-ng://127.0.0.1?remote-store=${folder}/store`;
    const refused = await uploads.upload({ to, sshKeyFile: stranger }, { outPath });
    assert.equal(refused.outcome, 'failed');
    assert.equal(refused.again, undefined, 'no other try changes it');
    assert.match(refused.reason ?? '', /Permission denied \(publickey\)/);

    const first = await uploads.upload({ to, sshKeyFile: key }, { outPath });
    assert.deepEqual([first.outcome, first.paths, first.reason], ['uploaded', 2, null]);
    assert.equal((await uploads.upload({ to, sshKeyFile: key }, { outPath })).outcome, 'nothing-to-do');
    await ssh[Symbol.asyncDispose]();
    const gone = await uploads.upload({ to, sshKeyFile: key }, { outPath });
    assert.deepEqual([gone.outcome, gone.again], ['failed', true]);
  },
);

test('a server that goes away in the middle and a disk that is full fail an upload, which goes on where it ended', async (t) => {
  const [put, key] = [await withPutCache(t), await withSecretKey(t)];
  const uploads = await withUploads(t);
  const { outPath } = await uploads.build('middle');
  const cache = { to: put.url, secretKeyFile: key.file };
  put.faults = [[/^PUT \S+narinfo/, 0]];
  const cut = await uploads.upload(cache, { outPath });
  assert.deepEqual([cut.outcome, cut.again], ['failed', true], cut.reason ?? '');
  put.faults = [[/^PUT \S+narinfo/, 507]];
  const full = await uploads.upload(cache, { outPath });
  assert.match(full.reason ?? '', /HTTP error 507/);
  assert.equal(full.again, true);
  put.faults = [];
  const asked = put.asked.length;
  assert.deepEqual([(await uploads.upload(cache, { outPath })).outcome], ['uploaded']);
  assert.ok(put.asked.slice(asked).filter((each) => each.startsWith('PUT ')).length > 0);

  const small = await withFolder(t);
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', small]);
  if (mounted.exitCode !== 0) {
    t.diagnostic(`no small disk here: ${mounted.stderr}`);
    return;
  }
  try {
    const large = await uploads.build('large', 'x'.repeat(100_000));
    const folder = { to: `file://${small}`, secretKeyFile: key.file, compression: 'none' };
    const disk = await uploads.upload(folder, large);
    assert.deepEqual([disk.outcome, disk.again], ['failed', true]);
    assert.match(disk.reason ?? '', /No space left on device/);
  } finally {
    await run('umount', [small]);
  }
});

// Last: which version of Nix is there is asked once.
test(
  'a bucket of S3 is filled and seen; credentials that cannot be used, no bucket and no server are told',
  { skip: s3Missing },
  async (t) => {
    const [s3, key] = [await withS3(t), await withSecretKey(t)];
    const uploads = await withUploads(t, { PATH: `${s3Nix?.binDir ?? ''}:${process.env.PATH ?? ''}` });
    const { outPath } = await uploads.build('s3');
    const credentials = path.join(await withFolder(t), 'credentials');
    await writeFile(credentials, '[default]\naws_access_key_id = a\naws_secret_access_key = b\n', { mode: 0o644 });
    const cache = { to: s3.bucket, credentialsFile: credentials, secretKeyFile: key.file };
    const open = await uploads.upload(cache, { outPath });
    assert.match(open.reason ?? '', /^the file of credentials \S+ may be used by others than its owner/);
    assert.equal(open.again, undefined, 'no other try changes it');
    await chmod(credentials, 0o600);
    const nowhere = await uploads.upload({ ...cache, to: s3.noBucket }, { outPath });
    assert.match(nowhere.reason ?? '', /HTTP error 404/);

    const first = await uploads.upload(cache, { outPath });
    assert.deepEqual([first.outcome, first.paths, first.reason], ['uploaded', 2, null]);
    const again = await uploads.upload(cache, { outPath });
    assert.deepEqual([again.outcome, again.paths, again.reason], ['nothing-to-do', 0, null]);
    const stranger = await withSecretKey(t, 'other-1');
    const unsigned = await uploads.upload({ ...cache, trustedKeys: [stranger.trusted] }, { outPath });
    assert.match(unsigned.reason ?? '', /^2 of 2 paths are not signed by a key that hosts trust/);

    await s3.stop();
    const { outPath: later } = await uploads.build('s3-later');
    const gone = await uploads.upload(cache, { outPath: later });
    assert.equal(gone.outcome, 'failed');
    assert.equal(gone.again, true, 'it may come back');
  },
);
