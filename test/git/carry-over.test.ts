import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { commitFile } from '../../activities/git/commit.js';
import { createGitActivities } from '../../activities/git/index.js';
import { mirrorPath } from '../../activities/git/mirror.js';
import { run } from '../../activities/process.js';
import type { LockUpdate } from '../../model/activities.js';
import type { Candidate } from '../../model/candidate.js';
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
  readonly carryOver: (onto: string, moved?: readonly string[]) => Promise<LockUpdate>;
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
    const file = { repository, parent: base, path: 'flake.lock', content, message: 'Update\n', ...signature };
    const candidate = await commitFile(env, file);
    const activities = createGitActivities(env);
    await work({
      fleet,
      revisions,
      candidate,
      carryOver: (onto, moved = names) =>
        activities.carryOver({ repository, candidate, moved, onto, run: 'r', nix: nixSettings, ...signature }),
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
