import assert from 'node:assert/strict';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { commitFile } from '../../activities/git/commit.js';
import { candidateFlakeUrl, installBundle } from '../../activities/git/install-commit.js';
import { commitRef, fetchMirror, mirrorPath, sweepWorkTrees } from '../../activities/git/mirror.js';
import { withWorkTree } from '../../activities/git/work-tree.js';
import { run } from '../../activities/command/process.js';
import { failure } from '../support/failure.js';
import { commitFiles, git } from '../support/git.js';
import { activityEnvironment, repositoryAt, withPlace, type Place } from '../support/repository.js';

const draft = ({ env, repository, base }: Place, content = 'new\n') =>
  commitFile(env, {
    repository,
    parent: base,
    path: 'flake.lock',
    content,
    message: 'Draft\n',
    author: { name: 'A', email: 'a@example.org' },
    committer: { name: 'C', email: 'c@example.org' },
    date: 1_790_000_000,
  });

test('a mirror follows the branches of the remote and keeps the commits of runs', () =>
  withPlace(async (place) => {
    const { env, repository, checkout, base } = place;
    const mirror = await fetchMirror(env, repository);
    assert.equal(await git(mirror, 'rev-parse', '--is-shallow-repository'), 'false');
    const candidate = await draft(place);
    await git(checkout, 'push', '--quiet', 'origin', 'main:topic');
    await fetchMirror(env, repository);
    assert.equal(await git(mirror, 'rev-parse', 'refs/heads/topic'), base);
    await git(checkout, 'push', '--quiet', 'origin', ':topic');
    await git(checkout, 'commit', '--quiet', '--amend', '--message', 'Rewritten');
    await git(checkout, 'push', '--quiet', '--force', 'origin', 'main', 'main:topic/below');
    await fetchMirror(env, repository);
    const refs = await git(mirror, 'for-each-ref', '--format=%(refname)');
    assert.deepEqual(refs.split('\n').sort(), [
      'refs/heads/main',
      'refs/heads/topic/below',
      ...[commitRef(base), commitRef(candidate.head)].sort(),
    ]);
  }));

test('many activities that need the mirror at once share one clone', () =>
  withPlace(async ({ env, repository }) => {
    await Promise.all(Array.from({ length: 6 }, () => fetchMirror(env, repository)));
    assert.deepEqual(await readdir(env.state.mirrors), [path.basename(mirrorPath(env, repository))]);
  }));

test('a clone that was killed, a half mirror and a lock that was left behind do not stop the next run', () =>
  withPlace(async ({ env, repository, base }) => {
    const mirror = mirrorPath(env, repository);
    await mkdir(path.join(mirror, 'objects'), { recursive: true });
    await mkdir(`${mirror}.partial-x1`);
    await fetchMirror(env, repository);
    assert.equal(await git(mirror, 'rev-parse', 'refs/heads/main'), base);
    const lock = path.join(mirror, 'packed-refs.lock');
    await writeFile(lock, '');
    await utimes(lock, 0, 0);
    await fetchMirror(env, repository);
    await sweepWorkTrees(env);
    assert.deepEqual(await readdir(env.state.mirrors), [path.basename(mirror)]);
  }));

test('another machine installs a candidate from its bundle, also when main was rewritten meanwhile', () =>
  withPlace(async (place) => {
    const { root, checkout, repository, base } = place;
    const candidate = await draft(place);
    assert.ok(Buffer.from(candidate.bundle, 'base64').length < 1500);
    const other = activityEnvironment(path.join(root, 'other-machine'));
    await git(checkout, 'commit', '--quiet', '--amend', '--message', 'Rewritten');
    await git(checkout, 'push', '--quiet', '--force', 'origin', 'main');
    await fetchMirror(other, repository);
    const mirror = await installBundle(other, { repository, candidate });
    assert.equal(await git(mirror, 'rev-parse', `${commitRef(candidate.head)}^`), base);
    assert.equal(await git(mirror, 'show', `${candidate.head}:flake.lock`), 'new');
    assert.equal(await installBundle(other, { repository, candidate }), mirror);
  }));

test('a bundle that is cut off or gives another commit is refused', () =>
  withPlace(async (place) => {
    const { root, repository } = place;
    const candidate = await draft(place);
    const another = await draft(place, 'other\n');
    const other = activityEnvironment(path.join(root, 'other-machine'));
    const bytes = Buffer.from(candidate.bundle, 'base64');
    const cut = { ...candidate, bundle: bytes.subarray(0, bytes.length - 30).toString('base64') };
    await failure(installBundle(other, { repository, candidate: cut }), 'CandidateDamaged');
    const swapped = { ...candidate, bundle: another.bundle };
    await failure(installBundle(other, { repository, candidate: swapped }), 'CandidateDamaged');
    // What comes without a bundle is on the remote.
    await failure(installBundle(other, { repository, candidate: { ...candidate, bundle: '' } }), 'UnknownBranch');
  }));

test('a work tree holds the commit, and is gone however the work ends', () =>
  withPlace(async (place) => {
    const { env, repository } = place;
    const { head } = await draft(place);
    await withWorkTree(env, repository, head, 'update lock', async (directory, made) => {
      await made;
      assert.equal(await git(directory, 'show', 'HEAD:flake.lock'), 'new');
      await commitFiles(directory, { 'flake.lock': 'changed\n' }, 'Mine');
    });
    const thrown = withWorkTree(env, repository, head, 'x', () => Promise.reject(new Error('no')));
    await assert.rejects(thrown, /no/);
    let ended = false;
    const neverMade = withWorkTree(env, repository, '0'.repeat(40), 'x', async (directory, made) => {
      await made.catch(() => undefined);
      await mkdir(directory);
      ended = true;
    });
    await assert.rejects(neverMade, /0{40}/);
    assert.ok(ended, 'work that goes on when the tree cannot be made is waited for');
    assert.deepEqual(await readdir(env.state.work), []);
    const list = await git(mirrorPath(env, repository), 'worktree', 'list', '--porcelain');
    assert.equal(list.match(/^worktree /gm)?.length, 1);
  }));

test('a worker that starts sweeps the work trees of the one before it', () =>
  withPlace(async (place) => {
    const { env, repository, base } = place;
    const mirror = await fetchMirror(env, repository);
    await mkdir(env.state.work, { recursive: true });
    await git(mirror, 'worktree', 'add', '--quiet', '--detach', path.join(env.state.work, 'tree-lock-1-aa'), base);
    await mkdir(path.join(env.state.work, 'not-ours'));
    await sweepWorkTrees(env);
    assert.deepEqual(await readdir(env.state.work), ['not-ours']);
    const list = await git(mirror, 'worktree', 'list', '--porcelain');
    assert.equal(list.match(/^worktree /gm)?.length, 1);
  }));

test('Nix evaluates a candidate out of the mirror, in a folder and a path with unusual characters', () =>
  withPlace(async ({ root, checkout, remote }) => {
    const env = activityEnvironment(path.join(root, 'a b%&?c'));
    const repository = repositoryAt(remote, { checkout, dir: 'my flake' });
    const flake = { 'my flake/flake.nix': '{ outputs = { self }: { rev = self.rev; }; }\n' };
    const parent = await commitFiles(checkout, flake, 'In a folder');
    await git(checkout, 'push', '--quiet', 'origin', 'main');
    const candidate = await draft({ root, checkout, remote, env, repository, base: parent });
    const mirror = await installBundle(env, { repository, candidate });
    const url = candidateFlakeUrl(mirror, candidate.head, repository.dir);
    const features = ['--extra-experimental-features', 'nix-command flakes'];
    const result = await run('nix', [...features, 'eval', '--raw', '--no-update-lock-file', `${url}#rev`]);
    assert.equal(result.stdout, candidate.head, result.stderr);
  }));
