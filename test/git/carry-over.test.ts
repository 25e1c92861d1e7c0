import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { ActivityEnvironment } from '../../activities/environment.js';
import { commitFile } from '../../activities/git/commit.js';
import { createGitActivities } from '../../activities/git/index.js';
import { mirrorPath } from '../../activities/git/mirror.js';
import { run } from '../../activities/command/process.js';
import type { LockUpdate } from '../../model/contract/lock.js';
import type { Candidate } from '../../model/verify/candidate.js';
import type { Repository } from '../../model/run/options.js';
import { createFleet, type Fleet } from '../support/fleet.js';
import { commitFiles, git } from '../support/git.js';
import { activityEnvironment, repositoryAt } from '../support/repository.js';

const person = { name: 'Lockkeeper', email: 'lockkeeper@example.org' };
const signature = { author: person, committer: person, date: 1_790_000_000 };
const nixSettings = { options: [], impure: false, acceptFlakeConfig: false };

const nix = async (directory: string, ...args: string[]): Promise<void> => {
  const result = await run('nix', ['--extra-experimental-features', 'nix-command flakes', ...args], { cwd: directory });
  assert.equal(result.exitCode, 0, result.stderr);
};

interface Scene {
  readonly fleet: Fleet;
  /** Old and new revision of each input. */
  readonly revisions: Readonly<Record<string, { readonly old: string; readonly new: string }>>;
  readonly candidate: Candidate;
  /** The same lock on top of another commit of main. */
  readonly candidateOn: (base: string) => Promise<Candidate>;
  readonly carryOver: (onto: string, moved?: readonly string[], of?: Candidate) => Promise<LockUpdate>;
  readonly env: ActivityEnvironment;
  readonly repository: Repository;
  /** Revisions in the lock of a commit of the mirror, by root input. */
  readonly locked: (commit: string) => Promise<Readonly<Record<string, string>>>;
}

/** A fleet whose three inputs moved, and a candidate that has all of them at their new revisions. */
async function withScene(work: (scene: Scene) => Promise<void>): Promise<void> {
  const names = ['alpha', 'beta', 'gamma'];
  const fleet = await createFleet({ hosts: [{ name: 'web' }], inputs: names });
  try {
    const env = activityEnvironment(fleet.root);
    const repository = repositoryAt(fleet.remote);
    const base = (await fleet.branches()).main ?? '';
    const revisions: Record<string, { old: string; new: string }> = {};
    for (const name of names) {
      const old = await git(fleet.inputs[name] ?? '', 'rev-parse', 'HEAD');
      revisions[name] = { old, new: await fleet.moveInput(name) };
    }
    await nix(fleet.checkout, 'flake', 'update');
    const content = await readFile(path.join(fleet.checkout, 'flake.lock'), 'utf8');
    await git(fleet.checkout, 'reset', '--quiet', '--hard');
    const file = { repository, path: 'flake.lock', content, message: 'Update\n', ...signature };
    const candidateOn = (parent: string): Promise<Candidate> => commitFile(env, { ...file, parent });
    const candidate = await candidateOn(base);
    const activities = createGitActivities(env);
    await work({
      fleet,
      revisions,
      candidate,
      candidateOn,
      env,
      repository,
      carryOver: (onto, moved = names, of = candidate) =>
        activities.carryOver({ repository, candidate: of, moved, onto, run: 'r', nix: nixSettings, ...signature }),
      async locked(commit) {
        const text = await git(mirrorPath(env, repository), 'show', `${commit}:flake.lock`);
        const { nodes } = JSON.parse(text) as { nodes: Record<string, { locked?: { rev: string } }> };
        return Object.fromEntries(
          Object.entries(nodes).flatMap(([name, { locked }]) => (locked === undefined ? [] : [[name, locked.rev]])),
        );
      },
    });
  } finally {
    await fleet.cleanup();
  }
}

const movedNames = (update: LockUpdate): readonly string[] =>
  update.kind === 'updated' ? update.moved.map(({ name }) => name) : [];

test('an update is carried over onto a main that changed other files, with the same revisions', () =>
  withScene(async ({ fleet, revisions, carryOver, locked }) => {
    const onto = await fleet.pushToMain({ 'notes.md': 'x\n' });
    const update = await carryOver(onto);
    assert.deepEqual(movedNames(update), ['alpha', 'beta', 'gamma']);
    assert.ok(update.kind === 'updated');
    assert.equal(update.draft.base, onto);
    const expected = Object.entries(revisions).map(([name, revision]) => [name, revision.new]);
    assert.deepEqual(await locked(update.draft.head), Object.fromEntries(expected));
    assert.deepEqual(await carryOver(onto), update);
  }));

test("an input that main moved meanwhile keeps main's revision, and is not asked for anew", () =>
  withScene(async ({ fleet, revisions, carryOver, locked }) => {
    const clone = path.join(fleet.root, 'clone');
    await git(fleet.root, 'clone', '--quiet', fleet.remote, clone);
    const newest = await fleet.moveInput('beta');
    await nix(clone, 'flake', 'lock', '--update-input', 'beta');
    const onto = await commitFiles(clone, {}, 'Theirs');
    await git(clone, 'push', '--quiet', 'origin', 'main');

    const update = await carryOver(onto);
    assert.deepEqual(movedNames(update), ['alpha', 'gamma']);
    assert.ok(update.kind === 'updated');
    const { alpha, gamma } = revisions;
    assert.deepEqual(await locked(update.draft.head), { alpha: alpha?.new, beta: newest, gamma: gamma?.new });
    // Only what the candidate moved is taken over.
    assert.deepEqual(movedNames(await carryOver(onto, ['gamma'])), ['gamma']);
  }));

test('inputs that main added, dropped or re-pointed stay as main has them', () =>
  withScene(async ({ fleet, revisions, carryOver, locked }) => {
    const clone = path.join(fleet.root, 'clone');
    await git(fleet.root, 'clone', '--quiet', fleet.remote, clone);
    const flake = await readFile(path.join(clone, 'flake.nix'), 'utf8');
    const old = revisions.alpha?.old ?? '';
    const gamma = /^.*"gamma"\.url.*\n/m.exec(flake)?.[0] ?? '';
    const changed = flake
      .replace(gamma, gamma.replace('"gamma".url', '"delta".url'))
      .replace(/("alpha"\.url = "[^"]*)"/, `$1&rev=${old}"`);
    await commitFiles(clone, { 'flake.nix': changed }, 'Inputs');
    await nix(clone, 'flake', 'lock');
    const onto = await commitFiles(clone, {}, 'Lock');
    await git(clone, 'push', '--quiet', 'origin', 'main');
    const added = revisions.gamma?.new;
    await fleet.moveInput('gamma');

    const update = await carryOver(onto);
    assert.deepEqual(movedNames(update), ['beta']);
    assert.ok(update.kind === 'updated');
    assert.deepEqual(await locked(update.draft.head), { alpha: old, beta: revisions.beta?.new, delta: added });
    const reason = 'the main branch changed in flake.nix what is asked of it; the next update moves it';
    assert.deepEqual(update.unfetched, [{ name: 'alpha', reason }]);
  }));

test('when main has moved everything itself, nothing is left to do', () =>
  withScene(async ({ fleet, carryOver, candidate }) => {
    const clone = path.join(fleet.root, 'clone');
    await git(fleet.root, 'clone', '--quiet', fleet.remote, clone);
    await nix(clone, 'flake', 'update');
    const onto = await commitFiles(clone, {}, 'Theirs');
    await git(clone, 'push', '--quiet', 'origin', 'main');
    assert.notEqual(onto, candidate.head);
    assert.deepEqual(await carryOver(onto), { kind: 'unchanged', unfetched: [] });
  }));

test('an update is carried over onto a main whose newest commit was taken back, and brings nothing of it', () =>
  withScene(async ({ fleet, revisions, candidateOn, carryOver, locked, env, repository }) => {
    const before = (await fleet.branches()).main ?? '';
    await fleet.pushToMain({ 'bad.nix': '{ }\n' });
    const bad = await fleet.pushUpdate(['alpha']);
    const candidate = await candidateOn(bad);
    await git(fleet.remote, 'update-ref', 'refs/heads/main', before);

    const update = await carryOver(before, ['beta', 'gamma'], candidate);
    assert.deepEqual(movedNames(update), ['beta', 'gamma']);
    assert.ok(update.kind === 'updated');
    assert.equal(update.draft.base, before);
    const { alpha, beta, gamma } = revisions;
    assert.deepEqual(await locked(update.draft.head), { alpha: alpha?.old, beta: beta?.new, gamma: gamma?.new });
    const mirror = mirrorPath(env, repository);
    assert.equal(await git(mirror, 'diff', '--name-only', before, update.draft.head), 'flake.lock');
    assert.equal(await git(mirror, 'rev-list', '--count', `${before}..${update.draft.head}`), '1');

    const change = { repository, parent: candidate.head, message: 'fix(web): x\n', ...signature };
    const onto = { repository, candidate: update.draft, ...signature };
    const { applyFix } = createGitActivities(env);
    const ofBad = await commitFile(env, { ...change, path: 'bad.nix', content: '{ mended = true; }\n' });
    assert.equal(await applyFix({ ...onto, fix: ofBad }), null, 'a fix of what was taken back does not fit');
    const fix = await commitFile(env, { ...change, path: 'web.nix', content: '{ }\n' });
    const { head = '' } = (await applyFix({ ...onto, fix })) ?? {};
    assert.equal(await git(mirror, 'diff', '--name-only', before, head), 'flake.lock\nweb.nix');
  }));
