import assert from 'node:assert/strict';
import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { commitsBetween } from '../../activities/git/input-commits.js';
import { withFetchProxy } from '../../activities/nix/lock/fetch-proxy.js';
import { inputRepository } from '../../activities/nix/lock/input-repository.js';
import { serveGit } from '../support/git-http.js';
import { PLAIN_NIX, withEvaluator } from '../support/evaluator.js';
import { git } from '../support/git.js';
import { atEndOf } from '../support/scope.js';

const HOSTILE = '\u001b[31mfixes #12 @team <b>`x`</b>\u202e';

/** Commits nothing; gives the new commit. */
async function commitOn(repository: string, message: string): Promise<string> {
  const file = path.join(repository, '..', 'message');
  await writeFile(file, message);
  await git(repository, 'commit', '--quiet', '--allow-empty', '--cleanup=verbatim', '--file', file);
  return git(repository, 'rev-parse', 'HEAD');
}

test('the commits of inputs that moved are counted along their branches, and the newest are told on one line each', () =>
  withEvaluator({ hosts: [{ name: 'a' }], inputs: ['alpha', 'beta', 'gamma', 'delta'] }, async (evaluator) => {
    const { fleet, update, commits } = evaluator;
    const folderOf = (name: string): string => fleet.inputs[name] ?? '';
    const alpha = folderOf('alpha');
    for (let n = 1; n <= 130; n += 1) await commitOn(alpha, `Change ${n}`);
    // A branch that began long ago: what a merge brings counts once.
    await git(alpha, 'checkout', '--quiet', '-b', 'side', 'HEAD~120');
    for (const message of ['Side 1', 'Side 2']) await commitOn(alpha, message);
    await git(alpha, 'checkout', '--quiet', 'main');
    await git(alpha, 'merge', '--quiet', '--no-ff', '-m', 'Merge side', 'side');
    await commitOn(alpha, `${HOSTILE}${'long '.repeat(500_000)}\n\nbody`);
    // The branch is another one now: nothing leads from the old revision to the new one.
    await git(folderOf('beta'), 'checkout', '--quiet', '--orphan', 'other');
    await git(folderOf('beta'), 'commit', '--quiet', '--message', 'Other', '--date', 'now');
    await git(folderOf('beta'), 'branch', '--force', 'main');
    await fleet.moveInput('gamma');

    const moved = await update();
    assert.equal(moved.kind, 'updated');
    // Its server is gone when it is asked.
    await rename(folderOf('gamma'), `${folderOf('gamma')}-gone`);
    const found = await commits(moved.draft);
    assert.deepEqual(
      found.map(({ name, count }) => [name, count]),
      [['alpha', 132]],
    );
    const [only] = found;
    assert.ok(only !== undefined);
    assert.deepEqual(
      only.newest.slice(1).map(({ subject }) => subject),
      ['Merge side', ...Array.from({ length: 8 }, (_, n) => `Change ${130 - n}`)],
    );
    const subject = only.newest[0]?.subject ?? '';
    assert.ok(subject.startsWith('fixes #12 @team <b>`x`</b>long long') && Buffer.byteLength(subject) <= 160, subject);
    assert.equal(only.to, moved.moved.find(({ name }) => name === 'alpha')?.to?.revision);

    // What was fetched is kept.
    await rm(alpha, { recursive: true });
    assert.deepEqual(await commits(moved.draft), found);
  }));

test('a private repository is read with a token that no argument and no setting holds', (t) =>
  withEvaluator({ hosts: [{ name: 'a' }], inputs: ['alpha'] }, async ({ fleet, env }) => {
    const from = await git(fleet.inputs.alpha ?? '', 'rev-parse', 'HEAD');
    const to = await fleet.moveInput('alpha');
    const server = await serveGit(fleet.inputs.alpha ?? '', 'open-sesame-1');
    atEndOf(t, () => server.close());
    const between = (token: string | null) =>
      commitsBetween(env, { url: `${server.url}/.git`, token }, { from, fromSeconds: Date.now() / 1000, to });
    assert.equal(await between(null), 'unread');
    assert.equal(await between('open-sesame-2'), 'unread');
    const rules = { lock: null, wishes: new Map(), own: [] };
    // Where the download of an input may not fetch from, its history may not either.
    for (const [allowed, answer] of [
      [[], 'unread'],
      [[new URL(server.url).host], 1],
    ] as const) {
      const source = new Map([
        ['type', 'git'],
        ['url', `${server.url}/.git`],
      ]);
      const guarded = await withFetchProxy({ ...rules, allowed }, async (proxy) => {
        const repository = await inputRepository(source, PLAIN_NIX, proxy);
        assert.ok(repository !== null);
        const about = { from, fromSeconds: Date.now() / 1000, to };
        return commitsBetween(env, { ...repository, token: 'open-sesame-1' }, about);
      });
      assert.equal(guarded !== null && typeof guarded === 'object' ? guarded.count : guarded, answer);
    }
  }));
