import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { createApplyFix } from '../../activities/git/apply-fix.js';
import { commitFile } from '../../activities/git/commit.js';
import { createCommitCandidate } from '../../activities/nix/lock/commit-candidate.js';
import { mirrorPath } from '../../activities/git/mirror.js';
import { createResolveBase } from '../../activities/git/resolve-base.js';
import { isSealed } from '../../activities/git/seal.js';
import { run } from '../../activities/command/process.js';
import type { Signing } from '../../model/git/signing.js';
import { failure } from '../support/failure.js';
import { git } from '../support/git.js';
import { activityEnvironment, withPlace, type Place } from '../support/repository.js';
import { openpgpKey, sshKey, trusting } from '../support/signing.js';

const signature = {
  author: { name: 'Änne Author', email: 'author@example.org' },
  committer: { name: 'Cleo Committer', email: 'committer@example.org' },
  date: 1_790_000_000,
};
const message = 'chore(flake): update flake.lock\n\nLockkeeper-Instance: update\nLockkeeper-Run: r1\n';

const draftOf = ({ env, repository, base }: Place) =>
  commitFile(env, { repository, parent: base, path: 'flake.lock', content: '{ }\n', message: 'Draft\n', ...signature });

/** What `git verify-commit` says. */
async function verify(repository: string, commit: string, trust: readonly string[], env = {}): Promise<string> {
  const args = [...trust, '-C', repository, 'verify-commit', commit];
  const { exitCode, stderr } = await run('git', args, { env: { ...process.env, LC_ALL: 'C', ...env } });
  return exitCode === 0 ? 'good' : stderr;
}

for (const type of ['ed25519', 'rsa'])
  test(`commits and fixes signed by a key of OpenSSH (${type}) are the same on each machine, and Git believes them`, () =>
    withPlace(async (place) => {
      const { root, env, repository, base } = place;
      const signing: Signing = { format: 'ssh', keyFile: await sshKey(path.join(root, type), type) };
      const draft = await draftOf(place);
      const input = { repository, draft, message, signing, ...signature };
      const made = await createCommitCandidate(env)(input);
      const other = activityEnvironment(path.join(root, 'other'));
      assert.deepEqual(await createCommitCandidate(other)(input), made);
      const mirror = mirrorPath(env, repository);
      const trust = await trusting(signing.keyFile);
      assert.equal(await verify(mirror, made.head, trust), 'good');
      assert.equal(isSealed(`${await git(mirror, 'cat-file', 'commit', made.head)}\n`), true);

      const onBase = { base, head: base, bundle: '' };
      const fix = await createApplyFix(env)({ repository, candidate: onBase, fix: draft, signing, ...signature });
      assert.equal(await verify(mirror, fix?.head ?? '', trust), 'good');
      await git(mirror, 'fsck', '--strict');
    }));

for (const type of ['ed25519', 'rsa2048'])
  test(`commits signed by a key of OpenPGP (${type}) are the same each time, and gpg believes them`, () =>
    withPlace(async (place) => {
      const { root, env, repository } = place;
      const home = path.join(root, 'gpg');
      await mkdir(home, { mode: 0o700 });
      const signing: Signing = { format: 'openpgp', keyFile: await openpgpKey(home, 'bot', type) };
      // A key signs nothing that is older than itself.
      const input = { repository, draft: await draftOf(place), message, signing, ...signature, date: 1_900_000_000 };
      const made = await createCommitCandidate(env)(input);
      assert.deepEqual(await createCommitCandidate(env)(input), made);
      assert.equal(await verify(mirrorPath(env, repository), made.head, [], { GNUPGHOME: home }), 'good');
      await run('gpgconf', ['--homedir', home, '--kill', 'gpg-agent']);
    }));

test('an update on a branch of the day is taken over only when the same key has signed it', () =>
  withPlace(async (place) => {
    const { root, env, repository, remote } = place;
    const commit = createCommitCandidate(env);
    const branch = 'flake-update-20261121';
    const draft = await draftOf(place);
    const key = async (name: string): Promise<{ readonly signing: Signing }> => ({
      signing: { format: 'ssh', keyFile: await sshKey(path.join(root, name), 'ed25519') },
    });
    const keys = [{}, await key('a'), await key('b')];
    for (const [index, earlier] of keys.entries()) {
      const { head } = await commit({ repository, draft, message, ...signature, ...earlier });
      const mirror = mirrorPath(env, repository);
      await git(mirror, 'push', '--quiet', '--force', remote, `${head}:refs/heads/${branch}`);
      await git(mirror, 'fetch', '--quiet', remote, `+refs/heads/${branch}:refs/heads/${branch}`);
      for (const [other, now] of keys.entries()) {
        const again = { ...signature, date: signature.date + 60, message: message.replace('r1', 'r2') };
        const made = await commit({ repository, draft, branch, ...again, ...now });
        assert.equal(made.head === head, index === other, `${index} ${other}`);
      }
    }
  }));

test('a key that cannot be used is refused before anything else is done, with the way out', () =>
  withPlace(async ({ root, env, repository }) => {
    const file = (name: string): string => path.join(root, name);
    const home = file('gpg');
    await mkdir(home, { mode: 0o700 });
    const open = await sshKey(file('open'), 'ed25519');
    await chmod(open, 0o644);
    const none = file('none');
    await writeFile(none, 'no key\n', { mode: 0o600 });
    const cases: readonly (readonly [Signing, RegExp])[] = [
      [{ format: 'ssh', keyFile: file('missing') }, /missing is not there: make one with "ssh-keygen/],
      [{ format: 'ssh', keyFile: await sshKey(file('dsa'), 'ecdsa') }, /differently each time: use an ed25519 or RSA/],
      [{ format: 'ssh', keyFile: await sshKey(file('locked'), 'ed25519', 'sesame') }, /locked has a passphrase/],
      [{ format: 'ssh', keyFile: open }, /open may be used by everybody: run chmod 600/],
      [{ format: 'ssh', keyFile: none }, /none is not a private key/],
      [{ format: 'ssh', keyFile: root }, /is not a file/],
      [{ format: 'openpgp', keyFile: none }, /holds no private key: write it with "gpg --armor/],
      [{ format: 'openpgp', keyFile: file('missing') }, /missing is not there/],
      [{ format: 'openpgp', keyFile: await openpgpKey(home, 'locked', 'ed25519', 'sesame') }, /has a passphrase/],
      [{ format: 'openpgp', keyFile: await openpgpKey(home, 'ecdsa', 'nistp256') }, /differently each time/],
    ];
    for (const [signing, reason] of cases) {
      const refused = await failure(createResolveBase(env)({ repository, run: 'r1', signing }), 'SigningKey');
      assert.match(refused.message, reason);
      assert.doesNotMatch(refused.message, /sesame|PRIVATE KEY-/);
    }
    await run('gpgconf', ['--homedir', home, '--kill', 'gpg-agent']);
  }));
