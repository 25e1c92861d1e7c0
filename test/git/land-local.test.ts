import assert from 'node:assert/strict';
import { chmod, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { commitFile } from '../../activities/git/commit.js';
import { openPersonsGit } from '../../activities/git/git.js';
import { createLand } from '../../activities/git/land.js';
import { moveRef } from '../../activities/git/move-work-tree.js';
import type { Candidate } from '../../model/verify/candidate.js';
import type { Repository } from '../../model/run/options.js';
import { failure } from '../support/failure.js';
import { commitFiles, git } from '../support/git.js';
import { repositoryAt, withPlace, type Place } from '../support/repository.js';

const person = { name: 'Lockkeeper', email: 'lockkeeper@example.org' };
const BRANCH = 'flake-update-20261121';

const UPDATE = {
  path: 'flake.lock',
  content: 'updated\n',
  message: 'Update\n\nLockkeeper-Instance: update\n',
  author: person,
  committer: person,
  date: 1_790_000_000,
};

interface Local {
  readonly place: Place;
  readonly repository: Repository;
  readonly candidate: Candidate;
  readonly land: (mode: 'branch' | 'merge', candidate?: Candidate) => ReturnType<ReturnType<typeof createLand>>;
}

/** The checkout is all there is: no remote. */
const withLocal = (work: (local: Local) => Promise<void>): Promise<void> =>
  withPlace(async (place) => {
    await git(place.checkout, 'remote', 'remove', 'origin');
    const repository = repositoryAt(place.checkout, { local: true, checkout: place.checkout });
    const candidate = await commitFile(place.env, { ...UPDATE, repository, parent: place.base });
    const land = createLand(place.env);
    const more = { instance: 'update', branch: BRANCH, fallbackBranch: `${BRANCH}-093015` };
    await work({
      place,
      repository,
      candidate,
      land: (mode, other = candidate) => land({ repository, candidate: other, mode, ...more }),
    });
  });

test('without a remote the branch is written into the repository, and its files stay as they are', () =>
  withLocal(async ({ place: { checkout }, candidate, land }) => {
    const expected = { kind: 'landed', ref: BRANCH, commit: candidate.head };
    assert.deepEqual(await land('branch'), expected);
    assert.deepEqual(await land('branch'), expected);
    assert.equal(await git(checkout, 'rev-parse', BRANCH), candidate.head);
    assert.equal(await git(checkout, 'status', '--porcelain'), '');
    assert.equal(await git(checkout, 'for-each-ref', 'refs/lockkeeper'), '');
  }));

test('a branch that is checked out or has other commits is left alone', () =>
  withLocal(async ({ place: { checkout }, land }) => {
    await git(checkout, 'switch', '--quiet', '--create', BRANCH);
    const result = await land('branch');
    assert.equal(result.kind === 'landed' && result.ref, `${BRANCH}-093015`);
    const theirs = await commitFiles(checkout, { 'a.txt': 'a' }, 'Theirs');
    await git(checkout, 'switch', '--quiet', 'main');
    await land('branch');
    assert.equal(await git(checkout, 'rev-parse', BRANCH), theirs);
  }));

test('a main that is checked out moves together with its files, around changes in other files', () =>
  withLocal(async ({ place: { checkout }, candidate, land }) => {
    await writeFile(path.join(checkout, 'flake.nix'), '{ /* in the works */ outputs = _: { }; }\n');
    const hook = path.join(checkout, '.git', 'hooks', 'post-merge');
    await writeFile(hook, '#!/bin/sh\ntouch hook-ran\n');
    await chmod(hook, 0o755);
    const expected = { kind: 'landed', ref: 'main', commit: candidate.head };
    assert.deepEqual(await land('merge'), expected);
    assert.deepEqual(await land('merge'), expected);
    assert.equal(await readFile(path.join(checkout, 'flake.lock'), 'utf8'), 'updated\n');
    assert.equal(await git(checkout, 'status', '--porcelain'), ' M flake.nix');
  }));

test('a checked-out main with changes to the lock is refused, and nothing of it is touched', () =>
  withLocal(async ({ place: { checkout, base }, land }) => {
    await writeFile(path.join(checkout, 'flake.lock'), 'mine\n');
    const { message } = await failure(land('merge'), 'PushRejected');
    assert.match(message, /flake\.lock/);
    assert.equal(await git(checkout, 'rev-parse', 'main'), base);
    assert.equal(await readFile(path.join(checkout, 'flake.lock'), 'utf8'), 'mine\n');
  }));

test('an ignored file in the place of a folder of the update is in the way, and stays', () =>
  withLocal(async ({ place: { checkout, env, base }, repository, land }) => {
    const candidate = await commitFile(env, { ...UPDATE, repository, parent: base, path: 'notes/today/a.txt' });
    await writeFile(path.join(checkout, '.git', 'info', 'exclude'), 'notes\n');
    await writeFile(path.join(checkout, 'notes'), 'mine\n');
    const { message } = await failure(land('merge', candidate), 'PushRejected');
    assert.match(message, /Untracked file "notes" would be overwritten/);
    assert.equal(await readFile(path.join(checkout, 'notes'), 'utf8'), 'mine\n');
  }));

test('a main that is not checked out is moved without touching the work tree', () =>
  withLocal(async ({ place: { checkout }, candidate, land }) => {
    await git(checkout, 'switch', '--quiet', '--create', 'topic');
    await land('merge');
    assert.equal(await git(checkout, 'rev-parse', 'main'), candidate.head);
    assert.equal(await git(checkout, 'status', '--porcelain'), '');
  }));

test('a local main that moved is told to the run', () =>
  withLocal(async ({ place: { checkout }, land }) => {
    const main = await commitFiles(checkout, { 'a.txt': 'a' }, 'Mine');
    assert.deepEqual(await land('merge'), { kind: 'main-moved', main });
  }));

test('a branch that somebody moves at the same moment stays theirs, and the next try finds it where it is then', () =>
  withLocal(async ({ place: { checkout, base }, candidate }) => {
    const mine = await commitFiles(checkout, { 'a.txt': 'a' }, 'Mine');
    const late = moveRef(openPersonsGit(checkout), 'main', candidate.head, base);
    await assert.rejects(late, { name: 'GitFailed' });
    assert.equal(await git(checkout, 'rev-parse', 'main'), mine);
  }));

test('a base that its owner took back from a local main comes back neither on it nor on a branch', () =>
  withLocal(async ({ place: { checkout, env, base }, repository, land }) => {
    const bad = await commitFiles(checkout, { 'bad.txt': 'bad' }, 'Bad');
    const candidate = await commitFile(env, { ...UPDATE, repository, parent: bad });
    await git(checkout, 'reset', '--quiet', '--hard', base);
    for (const mode of ['merge', 'branch'] as const)
      assert.deepEqual(await land(mode, candidate), { kind: 'main-moved', main: base, rewound: true });
    assert.equal(await git(checkout, 'for-each-ref', '--contains', bad), '');
  }));

test('uncommitted changes to the lock stay where they are, also where merges would stash them', () =>
  withLocal(async ({ place: { checkout, base }, land }) => {
    await git(checkout, 'config', 'merge.autoStash', 'true');
    await writeFile(path.join(checkout, 'flake.lock'), 'mine\n');
    await git(checkout, 'add', 'flake.lock');
    await failure(land('merge'), 'PushRejected');
    assert.equal(await git(checkout, 'rev-parse', 'main'), base);
    assert.equal(await git(checkout, 'status', '--porcelain'), 'M  flake.lock');
    assert.equal(await git(checkout, 'stash', 'list'), '');
  }));

test('a file that Git ignores is not overwritten by one that the update adds', () =>
  withLocal(async ({ place: { env, checkout, base }, repository, land }) => {
    const mine = path.join(checkout, 'secret.nix');
    await writeFile(path.join(checkout, '.git', 'info', 'exclude'), 'secret.nix\n');
    await writeFile(mine, 'mine\n');
    const candidate = await commitFile(env, { ...UPDATE, repository, parent: base, path: 'secret.nix' });
    const { message } = await failure(land('merge', candidate), 'PushRejected');
    assert.match(message, /"secret\.nix" would be overwritten/);
    assert.equal(await readFile(mine, 'utf8'), 'mine\n');
    await rm(mine);
    assert.equal((await land('merge', candidate)).kind, 'landed');
    assert.equal(await readFile(mine, 'utf8'), 'updated\n');
  }));

test('files that were written before a kill stay, and the branch follows', () =>
  withLocal(async ({ place: { checkout, base }, candidate, land }) => {
    await land('merge');
    await git(checkout, 'update-ref', 'refs/heads/main', base);
    assert.equal((await land('merge')).kind, 'landed');
    assert.equal(await git(checkout, 'rev-parse', 'main'), candidate.head);
    assert.equal(await git(checkout, 'status', '--porcelain'), '');
  }));

/** Commits two changes of one file to main and one to another branch, so that they do not fit together. */
async function withConflict(checkout: string): Promise<void> {
  await commitFiles(checkout, { 'a.txt': '1\n' }, 'One');
  await git(checkout, 'branch', 'other');
  await commitFiles(checkout, { 'a.txt': '2\n' }, 'Two');
  await git(checkout, 'switch', '--quiet', 'other');
  await commitFiles(checkout, { 'a.txt': '3\n' }, 'Three');
  await git(checkout, 'switch', '--quiet', 'main');
}

const STATES: readonly (readonly [name: string, begin: (checkout: string) => Promise<unknown>])[] = [
  ['rebase', (checkout) => git(checkout, 'rebase', 'other')],
  ['merge', (checkout) => git(checkout, 'merge', 'other')],
  ['cherry-pick', (checkout) => git(checkout, 'cherry-pick', 'other')],
  ['revert', (checkout) => git(checkout, 'revert', 'HEAD~1')],
  [
    'am',
    async (checkout) => {
      const patch = path.join(path.dirname(checkout), 'patch');
      await writeFile(patch, await git(checkout, 'format-patch', '--stdout', '-1', 'other'));
      await git(checkout, 'am', patch);
    },
  ],
  [
    'bisect',
    async (checkout) => {
      await git(checkout, 'bisect', 'start', 'HEAD', 'HEAD~2');
    },
  ],
];

for (const [name, begin] of STATES) {
  test(`a ${name} that was begun in a work tree keeps main where it is`, () =>
    withLocal(async ({ place: { env, checkout }, repository, land }) => {
      await withConflict(checkout);
      const main = await git(checkout, 'rev-parse', 'main');
      const candidate = await commitFile(env, { ...UPDATE, repository, parent: main });
      await begin(checkout).catch(() => undefined);
      const before = await git(checkout, 'status', '--porcelain', '--branch');
      const { message } = await failure(land('merge', candidate), 'PushRejected');
      assert.match(message, new RegExp(`A ${name} in .* needs main where it is.*git ${name} .*--land branch`));
      assert.equal(await git(checkout, 'rev-parse', 'main'), main);
      assert.equal(await git(checkout, 'status', '--porcelain', '--branch'), before);
    }));
}

test('a work tree that was added holds main like the first one, until its folder is gone', () =>
  withLocal(async ({ place: { root, checkout, base }, candidate, land }) => {
    await git(checkout, 'switch', '--quiet', '--create', 'topic');
    const linked = path.join(root, 'linked');
    await git(checkout, 'worktree', 'add', '--quiet', linked, 'main');
    await land('merge');
    assert.equal(await readFile(path.join(linked, 'flake.lock'), 'utf8'), 'updated\n');
    assert.equal(await git(linked, 'status', '--porcelain'), '');

    await git(checkout, 'worktree', 'lock', linked);
    await rm(linked, { recursive: true });
    await git(checkout, 'update-ref', 'refs/heads/main', base);
    assert.equal((await land('merge')).kind, 'landed');
    assert.equal(await git(checkout, 'rev-parse', 'main'), candidate.head);
  }));

test('main that is checked out twice is refused with both folders', () =>
  withLocal(async ({ place: { root, checkout, base }, land }) => {
    const linked = path.join(root, 'linked');
    await git(checkout, 'worktree', 'add', '--quiet', '--force', linked, 'main');
    const { message } = await failure(land('merge'), 'PushRejected');
    assert.match(message, /more than once: in .*checkout and .*linked/);
    assert.equal(await git(checkout, 'rev-parse', 'main'), base);
  }));

test('another Git that works in the checkout is waited for; a lock that it left is named', () =>
  withLocal(async ({ place: { checkout }, land }) => {
    const lock = path.join(checkout, '.git', 'index.lock');
    await writeFile(lock, '');
    await assert.rejects(land('merge'), { name: 'GitFailed' });
    await utimes(lock, new Date(0), new Date(0));
    assert.match((await failure(land('merge'), 'PushRejected')).message, /rm .*index\.lock/);
    await rm(lock);
    assert.equal((await land('merge')).kind, 'landed');
  }));
