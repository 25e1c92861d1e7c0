import assert from 'node:assert/strict';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { LandInput } from '../../model/contract/landing.js';
import type { Candidate } from '../../model/verify/candidate.js';
import { serialiseLock } from '../../model/flake-lock/serialise.js';
import { commitFile } from '../../activities/git/commit.js';
import { createLand } from '../../activities/git/land.js';
import { mirrorPath } from '../../activities/git/mirror.js';
import { createRemoveBranches } from '../../activities/git/remove-branches.js';
import { failure } from '../support/failure.js';
import { commitFiles, git } from '../support/git.js';
import { sketchedLock } from '../support/locks.js';
import { activityEnvironment, repositoryAt, withPlace, type Place } from '../support/repository.js';

const person = { name: 'Lockkeeper', email: 'lockkeeper@example.org' };

const BRANCH = 'flake-update-20261121';
const FALLBACK = `${BRANCH}-093015`;

/** A lock with the inputs alpha and beta at some revision each. */
const lockOf = (alpha: number, beta = 1): string =>
  serialiseLock(sketchedLock({ alpha: { rev: alpha }, beta: { rev: beta } }));

interface Wanted {
  readonly instance?: string;
  readonly run?: string;
  readonly file?: string;
  readonly date?: number;
  readonly message?: string;
}

const candidateFor = (
  { env, repository }: Pick<Place, 'env' | 'repository'>,
  parent: string,
  content: string,
  { instance = 'update', run = 'r', file = 'flake.lock', date = 1_790_000_000, message }: Wanted = {},
): Promise<Candidate> =>
  commitFile(env, {
    repository,
    parent,
    path: file,
    content,
    message: message ?? `chore(flake): update flake.lock\n\nLockkeeper-Instance: ${instance}\nLockkeeper-Run: ${run}\n`,
    author: person,
    committer: person,
    date,
  });

const land = (
  { env, repository }: Pick<Place, 'env' | 'repository'>,
  candidate: Candidate,
  mode: 'branch' | 'merge' = 'branch',
  more: Partial<LandInput> = {},
) =>
  createLand(env)({
    repository,
    candidate,
    mode,
    instance: 'update',
    run: 'r',
    branch: BRANCH,
    fallbackBranch: FALLBACK,
    ...more,
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
    const candidate = await candidateFor(place, place.base, lockOf(2));
    const expected = { kind: 'landed', ref: 'flake-update-20261121', commit: candidate.head };
    assert.deepEqual(await land(place, candidate), expected);
    assert.deepEqual(await land(place, candidate), expected);
    assert.equal(await at(place, 'flake-update-20261121'), candidate.head);
    assert.equal(await at(place, 'main'), place.base);
  }));

test('a branch of an earlier run of the same instance is replaced', () =>
  withPlace(async (place) => {
    await land(place, await candidateFor(place, place.base, lockOf(2)));
    const main = await colleague(place, 'main', 'main');
    const second = await candidateFor(place, main, lockOf(3));
    assert.equal((await land(place, second)).kind, 'landed');
    assert.equal(await at(place, 'flake-update-20261121'), second.head);
  }));

test('a branch with a commit of somebody else, or of another instance, is left alone for the fallback', () =>
  withPlace(async (place) => {
    await land(place, await candidateFor(place, place.base, lockOf(2)));
    const theirs = await colleague(place, 'flake-update-20261121', 'flake-update-20261121');
    const second = await candidateFor(place, place.base, lockOf(3));
    const landed = await land(place, second);
    assert.deepEqual(landed, {
      kind: 'landed',
      ref: FALLBACK,
      commit: second.head,
      insteadOf: { branch: BRANCH, reason: `holds commit ${theirs.slice(0, 12)}, which is not of Lockkeeper` },
    });
    assert.deepEqual(await land(place, second), landed);
    assert.equal(await at(place, BRANCH), theirs);

    const foreign = await candidateFor(place, place.base, lockOf(4), { instance: 'daily' });
    await git(place.remote, 'update-ref', '-d', 'refs/heads/flake-update-20261121-093015');
    const mirror = mirrorPath(place.env, place.repository);
    await git(mirror, 'push', '--quiet', '--force', place.remote, `${foreign.head}:refs/heads/flake-update-20261121`);
    const beside = await land(place, second);
    assert.ok(beside.kind === 'landed');
    assert.equal(beside.insteadOf?.reason, 'holds an update of the instance daily');
    assert.equal(await at(place, BRANCH), foreign.head);
  }));

test('a landed branch that somebody built on is not pushed a second time', () =>
  withPlace(async (place) => {
    const candidate = await candidateFor(place, place.base, lockOf(2));
    await land(place, candidate);
    const theirs = await colleague(place, 'flake-update-20261121', 'flake-update-20261121');
    assert.equal((await land(place, candidate)).kind, 'landed');
    const branches = await git(place.remote, 'for-each-ref', '--format=%(refname:lstrip=2)', 'refs/heads/');
    assert.deepEqual(branches.split('\n'), ['flake-update-20261121', 'main']);
    assert.equal(await at(place, 'flake-update-20261121'), theirs);
  }));

test('when all names of a second are taken by others, nothing is pushed', () =>
  withPlace(async (place) => {
    const candidate = await candidateFor(place, place.base, lockOf(2));
    const theirs = await colleague(place, 'main', BRANCH);
    await git(place.remote, 'branch', FALLBACK, theirs);
    assert.deepEqual(await landedOn(place, candidate), `${FALLBACK}-2`);
    await git(place.remote, 'branch', '-f', `${FALLBACK}-2`, theirs);
    for (let number = 3; number <= 9; number += 1) await git(place.remote, 'branch', `${FALLBACK}-${number}`, theirs);
    const { message } = await failure(land(place, candidate), 'PushRejected');
    assert.match(
      message,
      /^No branch of .* can take the update: flake-update-20261121 holds commit .* not of Lockkeeper/,
    );
    assert.match(message, /--branch-prefix/);
    assert.equal(await at(place, FALLBACK), theirs);
  }));

test('main is fast-forwarded, once', () =>
  withPlace(async (place) => {
    const candidate = await candidateFor(place, place.base, lockOf(2));
    const landed = { kind: 'landed', ref: 'main', commit: candidate.head };
    assert.deepEqual(await land(place, candidate, 'merge'), landed);
    assert.equal(await at(place, 'main'), candidate.head);
    const later = await colleague(place, 'main', 'main');
    assert.deepEqual(await land(place, candidate, 'merge'), landed);
    assert.equal(await at(place, 'main'), later);
  }));

test('a main that moved is never forced: the run is told where it is', () =>
  withPlace(async (place) => {
    const candidate = await candidateFor(place, place.base, lockOf(2));
    const main = await colleague(place, 'main', 'main');
    assert.deepEqual(await land(place, candidate, 'merge'), { kind: 'main-moved', main });
    await git(place.checkout, 'commit', '--quiet', '--amend', '--message', 'Rewritten');
    await git(place.checkout, 'push', '--quiet', '--force', 'origin', 'main');
    const rewritten = await git(place.checkout, 'rev-parse', 'HEAD');
    assert.deepEqual(await land(place, candidate, 'merge'), { kind: 'main-moved', main: rewritten, rewound: true });
  }));

for (const mode of ['branch', 'merge'] as const)
  test(`a base that its owner took back from main does not come back (${mode})`, () =>
    withPlace(async (place) => {
      const bad = await colleague(place, 'main', 'main', 'bad.txt');
      const candidate = await candidateFor(place, bad, lockOf(2));
      await git(place.remote, 'update-ref', 'refs/heads/main', place.base);
      const moved = { kind: 'main-moved', main: place.base, rewound: true };
      assert.deepEqual(await land(place, candidate, mode), moved);
      assert.equal(await git(place.remote, 'for-each-ref', '--contains', bad), '');
    }));

test('a main that is taken back while it is pushed to is not fast-forwarded', () =>
  withPlace(async (place) => {
    const bad = await colleague(place, 'main', 'main', 'bad.txt');
    const candidate = await candidateFor(place, bad, lockOf(2));
    await hook(
      place,
      `unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\ngit update-ref refs/heads/main ${place.base}`,
    );
    assert.deepEqual(await land(place, candidate, 'merge'), { kind: 'main-moved', main: place.base, rewound: true });
    assert.equal(await at(place, 'main'), place.base);
  }));

test('a candidate that is not based on its base is never forced onto main', () =>
  withPlace(async (place) => {
    const main = await colleague(place, 'main', 'main');
    const candidate = await candidateFor(place, place.base, lockOf(2));
    await failure(land(place, { ...candidate, base: main }, 'merge'), 'CandidateDamaged');
    assert.equal(await at(place, 'main'), main);
  }));

/** The first commit of main that has a lock with inputs. */
async function locked(place: Place): Promise<string> {
  const commit = await commitFiles(place.checkout, { 'flake.lock': lockOf(1) }, 'Lock');
  await git(place.checkout, 'push', '--quiet', 'origin', 'main');
  return commit;
}

async function landedOn(place: Place, candidate: Candidate, more: Partial<LandInput> = {}): Promise<string> {
  const landed = await land(place, candidate, 'branch', more);
  assert.ok(landed.kind === 'landed');
  return landed.ref;
}

/** A person changes the newest commit of the update branch, and leaves its message. */
async function amend(place: Place, ...how: readonly string[]): Promise<string> {
  await git(place.checkout, 'fetch', '--quiet', 'origin');
  await git(place.checkout, 'switch', '--quiet', '--detach', `origin/${BRANCH}`);
  await git(place.checkout, ...how);
  const commit = await git(place.checkout, 'rev-parse', 'HEAD');
  await git(place.checkout, 'push', '--quiet', '--force', 'origin', `HEAD:${BRANCH}`);
  return commit;
}

test('a commit that somebody amended, rebased or picked is theirs, whatever its message says', () =>
  withPlace(async (place) => {
    const base = await locked(place);
    const later = await colleague(place, 'main', 'main');
    const first = await candidateFor(place, base, lockOf(2));
    await land(place, first);
    const changes = [
      ['commit', '--quiet', '--amend', '--no-edit', '--date=2026-11-20T00:00:00Z'],
      ['rebase', '--quiet', later],
    ];
    for (const change of changes) {
      await git(place.remote, 'update-ref', `refs/heads/${BRANCH}`, first.head);
      const theirs = await amend(place, ...change);
      const second = await candidateFor(place, later, lockOf(3));
      const landed = await land(place, second);
      assert.deepEqual(landed, {
        kind: 'landed',
        ref: FALLBACK,
        commit: second.head,
        insteadOf: {
          branch: BRANCH,
          reason: `holds commit ${theirs.slice(0, 12)}, which was changed since Lockkeeper made it`,
        },
      });
      assert.equal(await at(place, BRANCH), theirs);
    }
  }));

test('a commit without a seal, as older versions made them, is replaced if it is a lock update and nothing else', () =>
  withPlace(async (place) => {
    const base = await locked(place);
    const unsealed = async (change: (raw: string) => string, candidate: Candidate): Promise<string> => {
      const raw = await git(mirrorPath(place.env, place.repository), 'cat-file', 'commit', candidate.head);
      const file = path.join(place.root, 'commit');
      await writeFile(file, change(`${raw.replace(/\nLockkeeper-Seal: .*$/, '')}\n`));
      await land(place, candidate, 'branch', { branch: 'objects', fallbackBranch: 'objects-2' });
      const commit = await git(place.remote, 'hash-object', '-t', 'commit', '-w', file);
      await git(place.remote, 'update-ref', `refs/heads/${BRANCH}`, commit);
      await git(place.remote, 'update-ref', '-d', 'refs/heads/objects');
      return commit;
    };
    const old = await candidateFor(place, base, lockOf(2));
    const second = await candidateFor(place, base, lockOf(3));

    await unsealed((raw) => raw, old);
    assert.equal(await landedOn(place, second), BRANCH);

    const amended = await unsealed((raw) => raw.replace(/(committer .*) \d+ /, '$1 1790000001 '), old);
    assert.equal(await landedOn(place, second), FALLBACK);
    assert.equal(await at(place, BRANCH), amended);
    await git(place.remote, 'update-ref', '-d', `refs/heads/${FALLBACK}`);

    const fixed = await unsealed((raw) => raw, await candidateFor(place, base, 'mended\n', { file: 'web.nix' }));
    assert.equal(await landedOn(place, second), FALLBACK);
    assert.equal(await at(place, BRANCH), fixed);
  }));

test('an update of another folder on the same day goes to a branch of its own, and is replaced there', () =>
  withPlace(async (place) => {
    await commitFiles(place.checkout, { 'a/flake.lock': lockOf(1), 'b/flake.lock': lockOf(1) }, 'Two flakes');
    await git(place.checkout, 'push', '--quiet', 'origin', 'main');
    const base = await git(place.checkout, 'rev-parse', 'HEAD');
    const of = (dir: string) => ({ ...place, repository: repositoryAt(place.remote, { dir }) });
    const update = (dir: string, alpha: number) =>
      candidateFor(of(dir), base, lockOf(alpha), { file: `${dir}/flake.lock` });
    const a = await update('a', 2);
    await land(of('a'), a);
    const b = await update('b', 2);
    assert.deepEqual(await land(of('b'), b), {
      kind: 'landed',
      ref: FALLBACK,
      commit: b.head,
      insteadOf: { branch: BRANCH, reason: 'holds an update of a/flake.lock' },
    });
    const newer = await update('b', 3);
    const later = { fallbackBranch: `${BRANCH}-180000` };
    assert.equal(await landedOn(of('b'), newer, later), FALLBACK, 'its own branch of the day');
    assert.equal(await at(place, FALLBACK), newer.head);
    assert.equal(await at(place, BRANCH), a.head);
  }));

test('a smaller update does not replace a larger one, unless main has the rest by now', () =>
  withPlace(async (place) => {
    const base = await locked(place);
    await land(place, await candidateFor(place, base, lockOf(2, 2)));
    const onlyAlpha = await candidateFor(place, base, lockOf(3, 1));
    const landed = await land(place, onlyAlpha);
    assert.ok(landed.kind === 'landed');
    assert.deepEqual(
      [landed.ref, landed.insteadOf?.reason],
      [FALLBACK, 'holds an update of beta that this one does not have'],
    );
    await git(place.remote, 'update-ref', '-d', `refs/heads/${FALLBACK}`);
    const main = await commitFiles(place.checkout, { 'flake.lock': lockOf(1, 2) }, 'Update beta');
    await git(place.checkout, 'push', '--quiet', 'origin', 'main');
    assert.equal(await landedOn(place, await candidateFor(place, main, lockOf(3, 2))), BRANCH);
  }));

test('the same update again leaves the branch as it is, also one that somebody has built on', () =>
  withPlace(async (place) => {
    const base = await locked(place);
    const first = await candidateFor(place, base, lockOf(2));
    await land(place, first);
    const again = await candidateFor(place, base, lockOf(2), { run: 'r2', date: 1_790_000_100 });
    assert.notEqual(again.head, first.head);
    const there = { kind: 'landed', ref: BRANCH, commit: first.head, already: true };
    assert.deepEqual(await land(place, again, 'branch', { run: 'r2' }), there);
    const theirs = await colleague(place, BRANCH, BRANCH);
    assert.deepEqual(await land(place, first, 'branch', { run: 'r2' }), there);
    assert.equal(await at(place, BRANCH), theirs);
    await git(place.remote, 'update-ref', `refs/heads/${BRANCH}`, first.head);
    await amend(place, 'revert', '--no-edit', 'HEAD');
    assert.equal(await landedOn(place, first, { run: 'r2' }), FALLBACK, 'somebody has taken it out again');
  }));

const OLD = { branchPrefix: 'flake-update-' };

/** Branches of the remote, without main. */
const branchesOf = async (place: Place): Promise<readonly string[]> =>
  (await git(place.remote, 'for-each-ref', '--format=%(refname:lstrip=2)', 'refs/heads/'))
    .split('\n')
    .filter((name) => name !== 'main');

test('older branches that the landed one makes needless are found if asked for, and nothing else', () =>
  withPlace(async (place) => {
    const base = await locked(place);
    const put = async (branch: string, candidate: Candidate): Promise<Candidate> => {
      assert.equal(await landedOn(place, candidate, { branch, fallbackBranch: 'unused' }), branch);
      return candidate;
    };
    const a = await put('flake-update-20261107', await candidateFor(place, base, lockOf(2)));
    const b = await put('flake-update-20261114-120000', await candidateFor(place, base, lockOf(3)));
    await put('flake-update-20261115', await candidateFor(place, base, lockOf(2, 2)));
    await put('flake-update-20261116', await candidateFor(place, base, lockOf(4), { date: 1_790_000_001 }));
    await put('flake-update-20261117x', await candidateFor(place, base, lockOf(5)));
    await put('other-20261107', await candidateFor(place, base, lockOf(6)));
    await put('flake-update-20261118', await candidateFor(place, base, lockOf(7)));
    await colleague(place, 'flake-update-20261118', 'flake-update-20261118');
    await git(place.remote, 'branch', 'flake-update-20261119', 'main');

    const candidate = await candidateFor(place, base, lockOf(8));
    const landed = await land(place, candidate, 'branch', OLD);
    assert.ok(landed.kind === 'landed');
    assert.equal(landed.ref, BRANCH);
    assert.deepEqual(landed.older, [
      { branch: 'flake-update-20261107', commit: a.head },
      { branch: 'flake-update-20261114-120000', commit: b.head },
    ]);
    assert.deepEqual(await land(place, candidate, 'branch', OLD), landed, 'the same when repeated');
    const unasked = await land(place, candidate);
    assert.ok(unasked.kind === 'landed');
    assert.equal(unasked.older, undefined);
  }));

test('an older branch of a flake that has moved to another folder keeps no update from landing, and stays', () =>
  withPlace(async (place) => {
    const base = await locked(place);
    await landedOn(place, await candidateFor(place, base, lockOf(2)), { branch: 'flake-update-20261107' });
    await mkdir(path.join(place.checkout, 'nix'));
    await git(place.checkout, 'mv', 'flake.nix', 'flake.lock', 'nix/');
    await git(place.checkout, 'commit', '--quiet', '-m', 'Move the flake');
    await git(place.checkout, 'push', '--quiet', 'origin', 'main');
    const main = await git(place.checkout, 'rev-parse', 'HEAD');
    const moved = { ...place, repository: repositoryAt(place.remote, { dir: 'nix' }) };
    const candidate = await candidateFor(moved, main, lockOf(3), { file: 'nix/flake.lock' });
    const expected = { kind: 'landed', ref: BRANCH, commit: candidate.head };
    assert.deepEqual(await land(moved, candidate, 'branch', OLD), expected);

    const clone = path.join(place.root, 'clone-moved');
    await git(place.root, 'clone', '--quiet', '--branch', BRANCH, place.remote, clone);
    await git(clone, 'mv', 'nix', 'flake');
    await git(clone, 'commit', '--quiet', '-m', 'Move it again');
    await git(clone, 'push', '--quiet', 'origin', BRANCH);
    assert.equal(await landedOn(moved, candidate), FALLBACK, 'somebody has moved it there');
  }));

test('an older branch that cannot be read keeps no update from landing, and stays', () =>
  withPlace(async (place) => {
    const base = await locked(place);
    const older = await candidateFor(place, base, lockOf(2));
    await landedOn(place, older, { branch: 'flake-update-20261107' });
    const candidate = await candidateFor(place, base, lockOf(3));
    const mirror = mirrorPath(place.env, place.repository);
    const tree = await git(mirror, 'rev-parse', `${older.head}^{tree}`);
    await rm(path.join(mirror, 'objects', tree.slice(0, 2), tree.slice(2)));
    const landed: unknown = await new MockActivityEnvironment().run(() => land(place, candidate, 'branch', OLD));
    assert.deepEqual(landed, { kind: 'landed', ref: BRANCH, commit: candidate.head });
    assert.equal(await at(place, 'flake-update-20261107'), older.head);
  }));

test('branches are removed from where they were seen alone, and what is gone counts as removed', () =>
  withPlace(async (place) => {
    const { repository } = place;
    const base = await locked(place);
    const { head } = await candidateFor(place, base, lockOf(2));
    await land(place, await candidateFor(place, base, lockOf(2)), 'branch', { branch: 'old-1' });
    for (const name of ['old-2', 'old-3']) await git(place.remote, 'branch', name, head);
    const theirs = await colleague(place, 'old-2', 'old-2');
    const branches = ['old-1', 'old-2', 'gone'].map((branch) => ({ branch, commit: head }));
    const remove = createRemoveBranches(place.env);
    const ended = {
      removed: ['old-1', 'gone'],
      kept: [{ branch: 'old-2', reason: 'was moved by others meanwhile' }],
    };
    assert.deepEqual(await remove({ repository, branches }), ended);
    assert.deepEqual(await remove({ repository, branches }), ended);
    assert.equal(await at(place, 'old-2'), theirs);
    await git(place.remote, 'config', 'receive.denyDeletes', 'true');
    const { kept } = await remove({ repository, branches: [{ branch: 'old-3', commit: head }] });
    assert.match(kept[0]?.reason ?? '', /^cannot be removed: .*deletion prohibited/);
    assert.deepEqual(await branchesOf(place), ['old-2', 'old-3']);

    await git(place.checkout, 'fetch', '--quiet', 'origin', 'old-3:old-3', 'old-3:old-4');
    await git(place.checkout, 'switch', '--quiet', 'old-4');
    const local = repositoryAt(place.checkout, { local: true });
    const both = ['old-3', 'old-4'].map((branch) => ({ branch, commit: head }));
    assert.deepEqual(await remove({ repository: local, branches: both }), {
      removed: ['old-3'],
      kept: [{ branch: 'old-4', reason: `is checked out at ${place.checkout}` }],
    });
  }));

test('a remote that lets no branch be replaced gets the update beside it, and is quoted', () =>
  withPlace(async (place) => {
    const base = await locked(place);
    await git(place.remote, 'config', 'receive.denyNonFastForwards', 'true');
    const first = await candidateFor(place, base, lockOf(2));
    await land(place, first);
    const second = await candidateFor(place, base, lockOf(3));
    const landed = await land(place, second);
    assert.ok(landed.kind === 'landed');
    assert.deepEqual([landed.ref, landed.insteadOf?.branch], [FALLBACK, BRANCH]);
    assert.match(landed.insteadOf?.reason ?? '', /^cannot be replaced: .*denying non-fast-forward/);
    assert.equal(await at(place, BRANCH), first.head);
    const again = await land(place, second);
    assert.ok(again.kind === 'landed');
    assert.deepEqual([again.ref, again.insteadOf?.branch], [FALLBACK, BRANCH], 'also after a kill');
    assert.equal(again.insteadOf?.reason, 'was not replaced when the update was pushed');
  }));

test('a branch that somebody is writing at this moment is tried again, with the words of the remote', () =>
  withPlace(async (place) => {
    const candidate = await candidateFor(place, place.base, lockOf(2));
    await writeFile(path.join(place.remote, 'refs', 'heads', 'main.lock'), '');
    await assert.rejects(land(place, candidate, 'merge'), (error: unknown) => {
      assert.ok(error instanceof ApplicationFailure);
      assert.deepEqual([error.type, error.nonRetryable], ['PushRejected', false]);
      assert.match(error.message, /being written by others:[^]*main\.lock/);
      return true;
    });
    await rm(path.join(place.remote, 'refs', 'heads', 'main.lock'));
    assert.equal((await land(place, candidate, 'merge')).kind, 'landed');
  }));

test('a branch in the way of the wanted one is gone round, and one in the way of the prefix is named', () =>
  withPlace(async (place) => {
    const candidate = await candidateFor(place, place.base, lockOf(2));
    await git(place.remote, 'branch', `${BRANCH}/x`, 'main');
    const landed = await land(place, candidate);
    assert.ok(landed.kind === 'landed');
    assert.deepEqual(
      [landed.ref, landed.insteadOf?.reason],
      [FALLBACK, `cannot be made while there is a branch ${BRANCH}/x`],
    );
    await git(place.remote, 'branch', 'flake-update', 'main');
    const below = { branch: 'flake-update/20261121', fallbackBranch: 'flake-update/20261121-093015' };
    const { message } = await failure(land(place, candidate, 'branch', below), 'PushRejected');
    assert.match(
      message,
      /flake-update\/20261121 cannot be made while there is a branch flake-update\. Nor can the 9 other/,
    );
    assert.match(message, /--branch-prefix/);
  }));

test('of two runs that merge at once, one lands and the other is told that main moved', () =>
  withPlace(async (place) => {
    const other = { ...place, env: activityEnvironment(path.join(place.root, 'other')) };
    const [mine, theirs] = [
      await candidateFor(place, place.base, lockOf(2)),
      await candidateFor(other, place.base, lockOf(3)),
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
      await candidateFor(place, place.base, lockOf(2)),
      await candidateFor(other, place.base, lockOf(3)),
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
    const candidate = await candidateFor(place, place.base, lockOf(2));
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
    const candidate = await candidateFor(place, place.base, lockOf(2));
    await git(place.remote, 'branch', '-m', 'main', 'trunk');
    const { message } = await failure(land(place, candidate, 'merge'), 'UnknownBranch');
    assert.match(message, /trunk/);
  }));
