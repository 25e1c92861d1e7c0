import assert from 'node:assert/strict';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { createResolveBase } from '../../activities/git/resolve-base.js';
import { commitRef, mirrorPath } from '../../activities/git/mirror.js';
import { failure } from '../support/failure.js';
import { commitFiles, git } from '../support/git.js';
import { repositoryAt, withPlace, type Place } from '../support/repository.js';

const resolve = ({ env, repository }: Pick<Place, 'env' | 'repository'>) =>
  createResolveBase(env)({ repository, run: 'run' });

const commitAndPush = async (place: Place, files: Readonly<Record<string, string>>): Promise<string> => {
  const commit = await commitFiles(place.checkout, files, 'Change');
  await git(place.checkout, 'push', '--quiet', 'origin', 'main');
  return commit;
};

test('the base is what main of the remote is at, and stays when the branch is rewritten', () =>
  withPlace(async (place) => {
    const { commit, leftOut } = await resolve(place);
    assert.equal(commit, place.base);
    assert.deepEqual(leftOut, []);
    await git(place.checkout, 'commit', '--quiet', '--amend', '--message', 'Rewritten');
    await git(place.checkout, 'push', '--quiet', '--force', 'origin', 'main');
    const next = await resolve(place);
    assert.notEqual(next.commit, place.base);
    const mirror = mirrorPath(place.env, place.repository);
    assert.equal(await git(mirror, 'rev-parse', commitRef(place.base)), place.base);
  }));

test('unpushed commits and uncommitted files are named as left out, and looking changes nothing', () =>
  withPlace(async (place) => {
    const { checkout } = place;
    await commitFiles(checkout, { 'a.txt': '1\n' }, 'Local \u001b[31mone');
    await commitFiles(checkout, { 'b.txt': '2\n' }, 'Local two');
    await git(checkout, 'mv', 'a.txt', 'renamed.txt');
    await writeFile(path.join(checkout, 'new file'), 'x');
    const index = await readFile(path.join(checkout, '.git', 'index'));
    const { commit, leftOut } = await resolve(place);
    assert.equal(commit, place.base);
    assert.equal(leftOut.length, 2);
    assert.match(leftOut[0] ?? '', /^2 unpushed commits of main: [0-9a-f]+ Local two; [0-9a-f]+ Local one$/);
    assert.equal(leftOut[1], '2 uncommitted files: renamed.txt; new file');
    assert.deepEqual(await readFile(path.join(checkout, '.git', 'index')), index);
  }));

test('commits that were pushed by others and not fetched yet are not called unpushed', () =>
  withPlace(async (place) => {
    const clone = path.join(place.root, 'clone');
    await git(place.root, 'clone', '--quiet', place.remote, clone);
    const pushed = await commitFiles(clone, { x: 'x' }, 'Theirs');
    await git(clone, 'push', '--quiet', 'origin', 'main');
    assert.deepEqual({ ...(await resolve(place)), committedAt: 0 }, { commit: pushed, committedAt: 0, leftOut: [] });
  }));

test('a repository without a remote has its own main as base', () =>
  withPlace(async (place) => {
    const commit = await commitFiles(place.checkout, { 'a.txt': '1\n' }, 'Local');
    const repository = repositoryAt(place.checkout, { local: true, checkout: place.checkout });
    assert.equal((await resolve({ env: place.env, repository })).commit, commit);
  }));

test('what cannot be updated is refused by name before anything is built', () =>
  withPlace(async (place) => {
    const { env, repository, root } = place;
    const at = (more: Partial<typeof repository>) => resolve({ env, repository: { ...repository, ...more } });

    const branch = await failure(at({ mainBranch: 'trunk' }), 'UnknownBranch');
    assert.match(branch.message, /"trunk"\. It has: main\./);
    assert.match((await failure(at({ dir: 'nixos' }), 'NoFlake')).message, /no nixos\/flake\.nix/);

    await mkdir(path.join(root, 'plain'));
    await failure(at({ url: path.join(root, 'plain') }), 'NotAGitRepository');
    await failure(at({ url: path.join(root, 'missing') }), 'NotAGitRepository');
    const refused = await failure(at({ url: 'http://127.0.0.1:9/x.git' }), 'RemoteUnreachable', { retryable: true });
    assert.match(refused.message, /cannot be reached/);
    await failure(at({ url: 'ext::sh -c "touch pwned"' }), 'RemoteUnreachable');
  }));

test('a lock that is empty, cut off or missing is refused with the way out', () =>
  withPlace(async (place) => {
    await commitAndPush(place, { 'flake.lock': '' });
    assert.match((await failure(resolve(place), 'LockUnreadable')).message, /is empty/);
    await commitAndPush(place, { 'flake.lock': '{ "nodes": {' });
    await failure(resolve(place), 'LockUnreadable');
    await commitAndPush(place, { 'flake.lock': '{"nodes":{"root":{}},"root":"root","version":99}' });
    await failure(resolve(place), 'LockUnreadable');
    await rm(path.join(place.checkout, 'flake.lock'));
    await commitAndPush(place, {});
    assert.match((await failure(resolve(place), 'LockUnreadable')).message, /nix flake lock/);
  }));

test('links within the repository are followed, and others are refused with where they lead', () =>
  withPlace(async (place) => {
    const { checkout, env, repository } = place;
    const linked = async (links: Readonly<Record<string, string>>): Promise<void> => {
      for (const [name, target] of Object.entries(links)) {
        await rm(path.join(checkout, name), { force: true });
        await mkdir(path.dirname(path.join(checkout, name)), { recursive: true });
        await symlink(target, path.join(checkout, name));
      }
      await commitAndPush(place, {});
    };
    const inSub = { env, repository: { ...repository, dir: 'sub' } };

    await linked({ 'sub/flake.lock': '../flake.lock', 'sub/flake.nix': '../same/../flake.nix', same: 'sub' });
    await resolve(inSub);
    const { message } = await failure(resolve({ env, repository: { ...repository, dir: 'same' } }), 'NoFlake');
    assert.match(message, /folder same .* is behind a link.*FLAKE\?dir=sub/);

    for (const [name, target, where] of [
      ['flake.lock', '/etc/hostname', 'is outside of the repository'],
      ['flake.lock', '../../flake.lock', 'is outside of the repository'],
      ['flake.lock', '../locks/none.lock', 'does not exist there'],
      ['flake.lock', '../flake.nix/x', 'does not exist there'],
      ['flake.lock', 'flake.lock', 'leads round in a circle'],
      ['flake.nix', '/etc/hostname', 'is outside of the repository'],
    ] as const) {
      await linked({ [`sub/${name}`]: target });
      const refused = await failure(resolve(inSub), name === 'flake.nix' ? 'NoFlake' : 'LockUnreadable');
      const said = `sub/${name} at commit .* cannot be read: sub/${name} is a link to ${target}, which ${where}\\.`;
      assert.match(refused.message, new RegExp(said));
    }
  }));

test('submodules and Git LFS are refused by name', () =>
  withPlace(async (place) => {
    await commitAndPush(place, { '.gitattributes': '# filter=lfs is not used\n*.txt text\n' });
    await resolve(place);
    await commitAndPush(place, { 'assets/.gitattributes': '*.png filter=lfs diff=lfs merge=lfs -text\n' });
    assert.match((await failure(resolve(place), 'LfsUnsupported')).message, /assets\/\.gitattributes/);
    await commitAndPush(place, {
      'assets/.gitattributes': '',
      '.gitmodules': '[submodule "x"]\n\tpath = x\n\turl = ../x\n',
    });
    assert.match((await failure(resolve(place), 'SubmodulesUnsupported')).message, /\.gitmodules/);
  }));

test('a branch in the way of the prefix of update branches is named before anything is built', () =>
  withPlace(async ({ env, repository, remote, base }) => {
    const resolveFor = (branch: string) => createResolveBase(env)({ repository, run: 'run', branch });
    await git(remote, 'branch', 'bot/update', 'main');
    const { message } = await failure(resolveFor('bot/update/20261121'), 'PushRejected');
    assert.match(message, /has a branch bot\/update, so that Git cannot have a branch bot\/update\/20261121/);
    assert.match(message, /--branch-prefix/);
    assert.equal((await resolveFor('bot/update-20261121')).commit, base);
  }));

test('push addresses beside the one that a run pushes to are named as left out', () =>
  withPlace(async ({ root, env, checkout, remote, repository }) => {
    await git(checkout, 'config', '--add', 'remote.origin.pushurl', remote);
    await git(checkout, 'config', '--add', 'remote.origin.pushurl', `https://me:sesame@forge.example${root}`);
    const { leftOut } = await resolve({ env, repository });
    assert.deepEqual(leftOut, [`1 more push address of the remote origin: https://forge.example${root}`]);
  }));

test('a lock or flake.nix that is too large to be read is refused by its size, and deep nesting by its form', () =>
  withPlace(async (place) => {
    await commitAndPush(place, { 'flake.lock': '['.repeat(100_000) });
    await failure(resolve(place), 'LockUnreadable');
    await commitAndPush(place, { 'flake.lock': '{'.padEnd(17 * 1024 * 1024) });
    const large = await failure(resolve(place), 'LockUnreadable');
    assert.match(large.message, /^flake\.lock at commit [0-9a-f]{12} has 17\.0 MiB, and 16\.0 MiB are read/);
    await commitAndPush(place, { 'flake.nix': '#'.padEnd(17 * 1024 * 1024) });
    await failure(resolve(place), 'NoFlake');
  }));
