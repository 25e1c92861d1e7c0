import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { Candidate } from '../../model/candidate.js';
import { commitFile } from '../../activities/git/commit.js';
import { createLand } from '../../activities/git/land.js';
import { mirrorPath } from '../../activities/git/mirror.js';
import { failure } from '../support/failure.js';
import { commitFiles, git } from '../support/git.js';
import { activityEnvironment, withPlace, type Place } from '../support/repository.js';

const person = { name: 'Lockkeeper', email: 'lockkeeper@example.org' };

const candidateFor = (
  { env, repository }: Pick<Place, 'env' | 'repository'>,
  parent: string,
  content: string,
  instance = 'update',
): Promise<Candidate> =>
  commitFile(env, {
    repository,
    parent,
    path: 'flake.lock',
    content,
    message: `chore(flake): update flake.lock\n\nLockkeeper-Instance: ${instance}\nLockkeeper-Run: r\n`,
    author: person,
    committer: person,
    date: 1_790_000_000,
  });

const land = (
  { env, repository }: Pick<Place, 'env' | 'repository'>,
  candidate: Candidate,
  mode: 'branch' | 'merge' = 'branch',
) =>
  createLand(env)({
    repository,
    candidate,
    mode,
    instance: 'update',
    branch: 'flake-update-20261121',
    fallbackBranch: 'flake-update-20261121-093015',
  });

const at = (place: Place, branch: string) => git(place.remote, 'rev-parse', `refs/heads/${branch}`);

/** Another clone commits to a branch of the remote, as a colleague would. */
async function colleague(place: Place, from: string, to: string, file = 'theirs.txt'): Promise<string> {
  const clone = path.join(place.root, `clone-${Math.random().toString(36).slice(2)}`);
  await git(place.root, 'clone', '--quiet', '--branch', from, place.remote, clone);
  const commit = await commitFiles(clone, { [file]: 'theirs\n' }, 'Theirs');
  await git(clone, 'push', '--quiet', 'origin', `HEAD:${to}`);
  return commit;
}

async function hook(place: Place, script: string): Promise<void> {
  const file = path.join(place.remote, 'hooks', 'pre-receive');
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
}

test('the update branch is pushed as it was verified, and pushing it again changes nothing', () =>
  withPlace(async (place) => {
    const candidate = await candidateFor(place, place.base, 'one\n');
    const expected = { kind: 'landed', ref: 'flake-update-20261121', commit: candidate.head };
    assert.deepEqual(await land(place, candidate), expected);
    assert.deepEqual(await land(place, candidate), expected);
    assert.equal(await at(place, 'flake-update-20261121'), candidate.head);
    assert.equal(await at(place, 'main'), place.base);
  }));

test('a branch of an earlier run of the same instance is replaced', () =>
  withPlace(async (place) => {
    await land(place, await candidateFor(place, place.base, 'one\n'));
    const main = await colleague(place, 'main', 'main');
    const second = await candidateFor(place, main, 'two\n');
    assert.equal((await land(place, second)).kind, 'landed');
    assert.equal(await at(place, 'flake-update-20261121'), second.head);
  }));

test('a branch with a commit of somebody else, or of another instance, is left alone for the fallback', () =>
  withPlace(async (place) => {
    await land(place, await candidateFor(place, place.base, 'one\n'));
    const theirs = await colleague(place, 'flake-update-20261121', 'flake-update-20261121');
    const second = await candidateFor(place, place.base, 'two\n');
    const landed = await land(place, second);
    assert.deepEqual(landed, { kind: 'landed', ref: 'flake-update-20261121-093015', commit: second.head });
    assert.deepEqual(await land(place, second), landed);
    assert.equal(await at(place, 'flake-update-20261121'), theirs);

    const foreign = await candidateFor(place, place.base, 'three\n', 'daily');
    await git(place.remote, 'update-ref', '-d', 'refs/heads/flake-update-20261121-093015');
    const mirror = mirrorPath(place.env, place.repository);
    await git(mirror, 'push', '--quiet', '--force', place.remote, `${foreign.head}:refs/heads/flake-update-20261121`);
    assert.equal((await land(place, second)).kind, 'landed');
    assert.equal(await at(place, 'flake-update-20261121'), foreign.head);
  }));

test('a landed branch that somebody built on is not pushed a second time', () =>
  withPlace(async (place) => {
    const candidate = await candidateFor(place, place.base, 'one\n');
    await land(place, candidate);
    const theirs = await colleague(place, 'flake-update-20261121', 'flake-update-20261121');
    assert.equal((await land(place, candidate)).kind, 'landed');
    const branches = await git(place.remote, 'for-each-ref', '--format=%(refname:lstrip=2)', 'refs/heads/');
    assert.deepEqual(branches.split('\n'), ['flake-update-20261121', 'main']);
    assert.equal(await at(place, 'flake-update-20261121'), theirs);
  }));

test("when both branches are somebody else's, nothing is pushed", () =>
  withPlace(async (place) => {
    const candidate = await candidateFor(place, place.base, 'one\n');
    const theirs = await colleague(place, 'main', 'flake-update-20261121');
    await git(place.remote, 'branch', 'flake-update-20261121-093015', theirs);
    const { message } = await failure(land(place, candidate), 'PushRejected');
    assert.match(message, /--branch-prefix/);
    assert.equal(await at(place, 'flake-update-20261121-093015'), theirs);
  }));

test('main is fast-forwarded, once', () =>
  withPlace(async (place) => {
    const candidate = await candidateFor(place, place.base, 'one\n');
    const landed = { kind: 'landed', ref: 'main', commit: candidate.head };
    assert.deepEqual(await land(place, candidate, 'merge'), landed);
    assert.equal(await at(place, 'main'), candidate.head);
    const later = await colleague(place, 'main', 'main');
    assert.deepEqual(await land(place, candidate, 'merge'), landed);
    assert.equal(await at(place, 'main'), later);
  }));

test('a main that moved is never forced: the run is told where it is', () =>
  withPlace(async (place) => {
    const candidate = await candidateFor(place, place.base, 'one\n');
    const main = await colleague(place, 'main', 'main');
    assert.deepEqual(await land(place, candidate, 'merge'), { kind: 'main-moved', main });
    await git(place.checkout, 'commit', '--quiet', '--amend', '--message', 'Rewritten');
    await git(place.checkout, 'push', '--quiet', '--force', 'origin', 'main');
    const rewritten = await git(place.checkout, 'rev-parse', 'HEAD');
    assert.deepEqual(await land(place, candidate, 'merge'), { kind: 'main-moved', main: rewritten });
  }));

test('of two runs that merge at once, one lands and the other is told that main moved', () =>
  withPlace(async (place) => {
    const other = { ...place, env: activityEnvironment(path.join(place.root, 'other')) };
    const [mine, theirs] = [
      await candidateFor(place, place.base, 'one\n'),
      await candidateFor(other, place.base, 'two\n'),
    ];
    // Both have looked at main when the first of them is let through.
    await hook(place, 'sleep 0.5');
    const results = await Promise.all([land(place, mine, 'merge'), land(other, theirs, 'merge')]);
    const main = await at(place, 'main');
    const kinds = results.map((result) => result.kind).sort();
    assert.deepEqual(kinds, ['landed', 'main-moved']);
    assert.deepEqual(
      results.find((result) => result.kind === 'main-moved'),
      { kind: 'main-moved', main },
    );
  }));

test('of two runs that push the same branch at once, the last one wins and no commit of others is lost', () =>
  withPlace(async (place) => {
    const other = { ...place, env: activityEnvironment(path.join(place.root, 'other')) };
    const [mine, theirs] = [
      await candidateFor(place, place.base, 'one\n'),
      await candidateFor(other, place.base, 'two\n'),
    ];
    await hook(place, 'sleep 0.3');
    const results = await Promise.all([land(place, mine), land(other, theirs)]);
    assert.deepEqual(
      results.map(({ kind }) => kind),
      ['landed', 'landed'],
    );
    assert.ok([mine.head, theirs.head].includes(await at(place, 'flake-update-20261121')));
  }));

test('a push that a hook declines is final, with the words of the remote and without its escape sequences', () =>
  withPlace(async (place) => {
    const candidate = await candidateFor(place, place.base, 'one\n');
    await hook(place, 'printf "no pushes on \\033[31mFridays\\n" >&2; exit 1');
    for (const mode of ['branch', 'merge'] as const) {
      const { message } = await failure(land(place, candidate, mode), 'PushRejected');
      assert.match(message, /no pushes on Fridays/);
      assert.ok(!message.includes('\u001b'));
    }
    assert.equal(await at(place, 'main'), place.base);
  }));

test('a main that is gone from the remote is named, with the branches that there are', () =>
  withPlace(async (place) => {
    const candidate = await candidateFor(place, place.base, 'one\n');
    await git(place.remote, 'branch', '-m', 'main', 'trunk');
    const { message } = await failure(land(place, candidate, 'merge'), 'UnknownBranch');
    assert.match(message, /trunk/);
  }));
