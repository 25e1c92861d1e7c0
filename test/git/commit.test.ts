import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { commitFile, commitTree } from '../../activities/git/commit.js';
import { createCommitCandidate } from '../../activities/nix/lock/commit-candidate.js';
import { failure } from '../support/failure.js';
import { commitFiles, git } from '../support/git.js';
import { openGit } from '../../activities/git/git.js';
import { fetchMirror, mirrorPath } from '../../activities/git/mirror.js';
import { activityEnvironment, withPlace } from '../support/repository.js';

const signature = {
  author: { name: 'Änne Author', email: 'author@example.org' },
  committer: { name: 'Cleo Committer', email: 'committer@example.org' },
  date: 1_790_000_000,
};
const message =
  'chore(flake): update flake.lock\n\n# not a comment\n\nLockkeeper-Instance: update\nLockkeeper-Run: r1\n';

test('the same draft and message give the same commit on two machines, byte for byte', () =>
  withPlace(async ({ root, env, repository, base }) => {
    const file = { repository, parent: base, path: 'flake.lock', content: '{ }\r\n', message: 'Draft\n', ...signature };
    const draft = await commitFile(env, file);
    const other = activityEnvironment(path.join(root, 'other'));
    assert.deepEqual(await commitFile(other, file), draft);

    const first = await createCommitCandidate(env)({ repository, draft, message, ...signature });
    const second = await createCommitCandidate(other)({ repository, draft, message, ...signature });
    assert.deepEqual(second, first);
    assert.deepEqual(await createCommitCandidate(env)({ repository, draft, message, ...signature }), first);

    const mirror = mirrorPath(env, repository);
    const raw = await git(mirror, 'cat-file', 'commit', first.head);
    const tree = await git(mirror, 'rev-parse', `${draft.head}^{tree}`);
    const [, unsealed = '', seal = ''] = /^([^]*)Lockkeeper-Seal: ([0-9a-f]{64})$/.exec(raw) ?? [];
    assert.equal(seal, createHash('sha256').update(unsealed).digest('hex'), 'the seal covers all but its own line');
    assert.equal(
      unsealed,
      `tree ${tree}\nparent ${base}\n` +
        `author Änne Author <author@example.org> 1790000000 +0000\n` +
        `committer Cleo Committer <committer@example.org> 1790000000 +0000\n\n${message}`,
    );
    assert.equal(await git(mirror, 'cat-file', 'blob', `${first.head}:flake.lock`), '{ }\r');
    assert.equal(await git(mirror, 'diff', '--name-only', base, first.head), 'flake.lock');
  }));

test('a commit changes one file in a folder and leaves everything else as it is', () =>
  withPlace(async ({ env, checkout, repository }) => {
    const files = { 'sub dir/flake.lock': 'old\n', 'sub dir/run': '#!/bin/sh\n', 'ünï.txt': 'x\n' };
    const parent = await commitFiles(checkout, files, 'More');
    await git(checkout, 'push', '--quiet', 'origin', 'main');
    const file = { repository, parent, path: 'sub dir/flake.lock', content: 'new\n', message: 'Draft\n', ...signature };
    const { head } = await commitFile(env, file);
    const changed = await git(mirrorPath(env, repository), 'diff', '--name-status', parent, head);
    assert.equal(changed, 'M\tsub dir/flake.lock');
  }));

test('in the place of a link the file that it leads to is written, and the link stays', () =>
  withPlace(async ({ env, checkout, repository }) => {
    await mkdir(path.join(checkout, 'a', 'b'), { recursive: true });
    await symlink('a', path.join(checkout, 'folder'));
    await symlink('../folder/b/shared', path.join(checkout, 'a', 'flake.lock'));
    await symlink('../../flake.lock', path.join(checkout, 'a', 'b', 'shared'));
    const parent = await commitFiles(checkout, {}, 'Links');
    await git(checkout, 'push', '--quiet', 'origin', 'main');
    const file = { repository, parent, content: 'new\n', message: 'Draft\n', ...signature };
    const { head } = await commitFile(env, { ...file, path: 'a/flake.lock' });
    const mirror = mirrorPath(env, repository);
    assert.equal(await git(mirror, 'diff', '--name-status', parent, head), 'M\tflake.lock');
    assert.equal(await git(mirror, 'show', `${head}:flake.lock`), 'new');

    await symlink('../../outside', path.join(checkout, 'a', 'out'));
    const next = await commitFiles(checkout, {}, 'A link that leaves');
    await git(checkout, 'push', '--quiet', 'origin', 'main');
    const out = { ...file, parent: next, path: 'a/out' };
    assert.match((await failure(commitFile(env, out), 'LockUnreadable')).message, /outside of the repository/);
  }));

test('a change that is too large to travel is refused with its size', () =>
  withPlace(async ({ env, repository, base }) => {
    const content = randomBytes(300 * 1024).toString('base64');
    const file = { repository, parent: base, path: 'flake.lock', content, message: 'Draft\n', ...signature };
    const { message: said } = await failure(commitFile(env, file), 'BundleTooLarge');
    assert.match(said, /262144 are the limit/);
  }));

test('the same update that is on a branch of the day already is that commit, and any other is a new one', () =>
  withPlace(async ({ env, remote, repository, base }) => {
    const file = { repository, parent: base, path: 'flake.lock', content: '{ }\n', message: 'Draft\n' };
    const draft = await commitFile(env, { ...file, ...signature });
    const commit = createCommitCandidate(env);
    const input = { repository, draft, branch: 'flake-update-20261121', ...signature };
    const first = await commit({ ...input, message });
    const mirror = mirrorPath(env, repository);
    const fixed = await commitTree(
      openGit(mirror),
      { tree: `${base}^{tree}`, parents: [first.head], message },
      signature,
    );
    await git(mirror, 'push', '--quiet', remote, `${fixed}:refs/heads/flake-update-20261121-093015`);
    await fetchMirror(env, repository);

    const later = { ...input, date: signature.date + 60 };
    const again = message.replace('r1', 'r2');
    assert.deepEqual(await commit({ ...later, message: again }), first);
    const others = [
      { ...later, message: again.replace('comment', 'remark') },
      { ...later, message: again.replace('Instance: update', 'Instance: daily') },
      { ...later, message: again, author: { name: 'B', email: 'b@example.org' } },
      { ...later, message: again, branch: 'flake-update-20261122' },
      { ...later, message: again, draft: await commitFile(env, { ...file, content: '{}\n', ...signature }) },
    ];
    for (const other of others) assert.notEqual((await commit(other)).head, first.head);
  }));
