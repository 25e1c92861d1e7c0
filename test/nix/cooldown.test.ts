import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { run } from '../../activities/command/process.js';
import type { LockUpdate } from '../../model/contract/lock.js';
import type { Cooldown } from '../../model/run/options.js';
import { failure } from '../support/failure.js';
import { PLAIN_NIX, withEvaluator, type Evaluator } from '../support/evaluator.js';
import { git } from '../support/git.js';

const DAY = 86_400;
const NOW = Math.floor(Date.now() / 1000);
/** Ten days after the inputs were locked. */
const date = NOW + 10 * DAY;
const cooldown: Cooldown = { seconds: 3 * DAY, inputs: [] };

/** Commits a new version of an input as if some days after it was locked; gives the commit. */
async function commitAfter(repository: string, days: number): Promise<string> {
  await writeFile(path.join(repository, 'version.nix'), `"${days}"\n`);
  const when = `${NOW + days * DAY} +0000`;
  const who = ['-c', 'user.name=U', '-c', 'user.email=u@example.org'];
  const env = { ...process.env, GIT_COMMITTER_DATE: when, GIT_AUTHOR_DATE: when };
  const committed = await run('git', [...who, 'commit', '--quiet', '--all', '--message', `Day ${days}`], {
    cwd: repository,
    env,
  });
  assert.equal(committed.exitCode, 0, committed.stderr);
  return git(repository, 'rev-parse', 'HEAD');
}

const revisions = (update: LockUpdate): Readonly<Record<string, string | undefined>> =>
  Object.fromEntries(update.kind === 'updated' ? update.moved.map(({ name, to }) => [name, to?.revision]) : []);

const lockOf = async ({ env, repository }: Evaluator, update: LockUpdate): Promise<string> => {
  assert.equal(update.kind, 'updated');
  const { installBundle } = await import('../../activities/git/install-commit.js');
  const mirror = await installBundle(env, { repository, candidate: update.draft });
  return git(mirror, 'show', `${update.draft.head}:flake.lock`);
};

const options = { hosts: [{ name: 'a' }], inputs: ['alpha', 'beta', 'gamma', 'delta'], follows: { beta: 'alpha' } };

test('inputs move to their newest revisions that are old enough, as if upstream had nothing newer', () =>
  withEvaluator(options, async (evaluator) => {
    const { fleet, update } = evaluator;
    const folderOf = (name: string): string => fleet.inputs[name] ?? '';
    const old: Record<string, string> = {};
    for (const name of ['alpha', 'beta']) {
      await commitAfter(folderOf(name), 1);
      old[name] = await commitAfter(folderOf(name), 5);
      await commitAfter(folderOf(name), 8);
      await commitAfter(folderOf(name), 9);
    }
    await commitAfter(folderOf('gamma'), 8);
    const newest = await commitAfter(folderOf('delta'), 9);

    const inputs = [{ input: 'delta', seconds: 0 }];
    const moved = await update({ date, cooldown: { ...cooldown, inputs } });
    assert.deepEqual(revisions(moved), { ...old, delta: newest });
    const waits = { cooldown: 3 * DAY, newer: 2 };
    assert.deepEqual(moved.waiting, [
      { name: 'alpha', ...waits, movesTo: old.alpha },
      { name: 'beta', ...waits, movesTo: old.beta },
      { name: 'gamma', ...waits, movesTo: null, newer: 1 },
    ]);
    assert.deepEqual(moved.unfetched, []);

    // The same lock, byte for byte, that Nix makes when these revisions are the newest.
    for (const [name, revision] of Object.entries(old))
      await git(folderOf(name), 'reset', '--quiet', '--hard', revision);
    await git(folderOf('gamma'), 'reset', '--quiet', '--hard', 'HEAD~1');
    const plain = await update({ date });
    assert.equal(await lockOf(evaluator, moved), await lockOf(evaluator, plain));
    assert.equal(plain.waiting, undefined);
  }));

test('what is not known to be old enough waits: folders, what is below an input, and inputs that are new', () =>
  withEvaluator({ ...options, inputs: ['alpha', 'beta'] }, async ({ fleet, update }) => {
    const { alpha = '', beta = '' } = fleet.inputs;
    const flake = await git(fleet.remote, 'show', 'main:flake.nix');
    const edit = async (from: string | RegExp, to: string): Promise<void> => {
      const text = (await git(fleet.remote, 'show', 'main:flake.nix')).replace(from, to);
      await fleet.pushToMain({ 'flake.nix': `${text}\n` });
    };
    // An input of beta's is not locked by it, and the flake says nothing of it any more: Nix takes its newest revision.
    const old = await commitAfter(beta, 5);
    await commitAfter(alpha, 9);
    await edit(/^.*follows.*\n/m, '');
    assert.match(await git(beta, 'show', 'HEAD:flake.nix'), /below/);
    const nix = { ...PLAIN_NIX, allowSources: [`git+file://${alpha}`] };
    const below = await update({ date, cooldown, inputs: ['beta'], nix });
    assert.equal(below.kind, 'unchanged', JSON.stringify(below));
    assert.deepEqual(
      below.waiting?.map(({ name, movesTo, unknown }) => [name, movesTo, unknown]),
      [['beta', null, 'nested']],
    );
    assert.deepEqual(revisions(await update({ date, inputs: ['beta'], nix })), { beta: old });
    await fleet.pushToMain({ 'flake.nix': `${flake}\n` });

    // A new one is locked at what is old enough; of one that has nothing so old nothing can be locked.
    const fresh = path.join(fleet.root, 'inputs', 'fresh');
    await git(fleet.root, 'clone', '--quiet', alpha, fresh);
    const locked = await git(fresh, 'rev-parse', 'HEAD~1');
    await edit('inputs = {', `inputs = { fresh.url = "git+file://${fresh}?ref=main";`);
    const added = await update({ date, cooldown, inputs: ['beta'] });
    assert.deepEqual(revisions(added), { beta: old, fresh: locked });
    const { message } = await failure(update({ date: NOW + DAY, cooldown, inputs: ['beta'] }), 'InputTooNew');
    assert.match(message, /does not have input fresh as flake\.nix asks for it.*--no-cooldown/);

    // A folder is as old as its newest file.
    await fleet.pushToMain({ 'flake.nix': `${flake}\n` });
    const folder = path.join(fleet.root, 'folder');
    await mkdir(folder);
    await writeFile(path.join(folder, 'flake.nix'), '{ outputs = _: { }; }');
    await edit('inputs = {', `inputs = { folder.url = "path:${folder}";`);
    await fleet.pushUpdate(['folder']);
    await writeFile(path.join(folder, 'more'), '');
    const young = await update({ date: NOW + DAY, cooldown, inputs: ['folder'] });
    assert.deepEqual(
      [young.kind, young.waiting?.map(({ name, movesTo }) => [name, movesTo])],
      ['unchanged', [['folder', null]]],
    );
    assert.deepEqual(Object.keys(revisions(await update({ date, cooldown, inputs: ['folder'] }))), ['folder']);
  }));
