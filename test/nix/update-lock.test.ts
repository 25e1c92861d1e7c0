import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import type { LockUpdate } from '../../model/contract/lock.js';
import { writeReport } from '../../activities/reports.js';
import { failure } from '../support/failure.js';
import { PLAIN_NIX, withEvaluator, type Evaluator } from '../support/evaluator.js';
import { commitFiles, git } from '../support/git.js';
import { exampleReport } from '../support/report.js';
import { withVariables } from '../support/variables.js';

const hosts = [{ name: 'a' }];

const movedNames = (update: LockUpdate): readonly string[] =>
  update.kind === 'updated' ? update.moved.map(({ name }) => name) : [];

const lockOf = async ({ fleet }: Evaluator): Promise<string> =>
  readFile(path.join(fleet.checkout, 'flake.lock'), 'utf8');

/** Changes `flake.nix` on main; the lock stays as it is. */
async function editFlake(
  { fleet }: Evaluator,
  from: string,
  to: string,
  more: Record<string, string> = {},
): Promise<void> {
  const text = await git(fleet.remote, 'show', 'main:flake.nix');
  assert.ok(text.includes(from));
  await fleet.pushToMain({ 'flake.nix': `${text.replace(from, to)}\n`, ...more });
}

test('every input that moved upstream moves in a draft commit, and the owner’s checkout is not touched', () =>
  withEvaluator({ hosts }, async (evaluator) => {
    const { fleet, update, main, env } = evaluator;
    const before = await lockOf(evaluator);
    const to = await fleet.moveInput('beta');
    const first = await update();
    assert.equal(first.kind, 'updated');
    assert.deepEqual(
      first.moved.map(({ name, to: revision }) => [name, revision?.revision]),
      [['beta', to]],
    );
    assert.deepEqual(first.unfetched, []);
    assert.equal(first.draft.base, await main());
    assert.deepEqual(await update(), first, 'the same answer of upstream gives the same draft');
    assert.equal(await lockOf(evaluator), before);
    assert.equal(await git(fleet.checkout, 'status', '--porcelain'), '');
    assert.deepEqual(await readdir(env.state.work), []);
  }));

test('when nothing moved upstream the lock is unchanged, also when Nix writes it in another form', () =>
  withEvaluator({ hosts }, async (evaluator) => {
    assert.deepEqual(await evaluator.update(), { kind: 'unchanged', unfetched: [] });
    const lock = await lockOf(evaluator);
    const sameInOneLine = JSON.stringify(JSON.parse(lock));
    // Versions of Nix spell the branch of a Git input in two ways.
    const otherSpelling = lock.includes('"main"')
      ? lock.replaceAll('"main"', '"refs/heads/main"')
      : lock.replaceAll('"refs/heads/main"', '"main"');
    assert.notEqual(otherSpelling, lock);
    for (const text of [sameInOneLine, otherSpelling]) {
      await evaluator.fleet.pushToMain({ 'flake.lock': text });
      assert.deepEqual(await evaluator.update(), { kind: 'unchanged', unfetched: [] });
    }
  }));

test('only the named inputs move', () =>
  withEvaluator({ hosts, inputs: ['alpha', 'beta', 'gamma'] }, async ({ fleet, update }) => {
    for (const name of ['alpha', 'beta', 'gamma']) await fleet.moveInput(name);
    assert.deepEqual(movedNames(await update({ inputs: ['beta'] })), ['beta']);
    assert.deepEqual(movedNames(await update({ inputs: ['alpha', 'gamma'] })), ['alpha', 'gamma']);
  }));

test('excluded inputs stay, and one has to be left', () =>
  withEvaluator({ hosts, inputs: ['alpha', 'beta', 'gamma'] }, async ({ fleet, update }) => {
    for (const name of ['alpha', 'beta', 'gamma']) await fleet.moveInput(name);
    assert.deepEqual(movedNames(await update({ excludeInputs: ['beta'] })), ['alpha', 'gamma']);
    const unknown = await failure(update({ excludeInputs: ['nixpkgs'] }), 'UnknownInput');
    assert.equal(unknown.message, 'The flake has no input nixpkgs. It has: alpha, beta, gamma.');
    const none = await failure(update({ excludeInputs: ['alpha', 'beta', 'gamma'] }), 'NoInputs');
    assert.match(none.message, /^All inputs are excluded \(alpha, beta, gamma\)/);
  }));

test('of groups that take turns the first one moves that can', () =>
  withEvaluator({ hosts, inputs: ['alpha', 'beta', 'gamma'] }, async ({ fleet, update, env, repository }) => {
    const inputGroups = [['alpha'], ['beta', 'gamma']];
    const next = async (): Promise<unknown> => {
      const found = await update({ inputGroups, instance: 'nightly' });
      return found.kind === 'updated' ? [found.group, movedNames(found)] : found.kind;
    };
    assert.deepEqual(await next(), 'unchanged');
    await fleet.moveInput('gamma');
    assert.deepEqual(await next(), [['beta', 'gamma'], ['gamma']], 'nothing of the first group has moved');
    await fleet.moveInput('alpha');
    assert.deepEqual(await next(), [['alpha'], ['alpha']]);

    const turn = { instance: 'nightly', repository: repository.displayUrl, inputGroup: ['alpha'] };
    await mkdir(env.state.reports, { recursive: true });
    await writeReport(env, exampleReport({ ...turn, run: 'weekly-remote-1', instance: 'weekly' }));
    assert.deepEqual(await next(), [['alpha'], ['alpha']], 'another instance takes nobody’s turn');
    await writeReport(env, exampleReport({ ...turn, run: 'nightly-remote-1', outcome: 'broken' }));
    assert.deepEqual(await next(), [['beta', 'gamma'], ['gamma']], 'it had its turn, whatever came of it');

    const unknown = await failure(
      update({ inputGroups: [['alpha'], ['nixpkgs']], instance: 'nightly' }),
      'UnknownInput',
    );
    assert.match(unknown.message, /no input nixpkgs/, 'not only when it is its turn');
  }));

test('an input that cannot be fetched stays where it was, with the reason, and the others move', () =>
  withEvaluator({ hosts, inputs: ['alpha', 'beta', 'gamma'] }, async ({ fleet, update }) => {
    for (const name of ['alpha', 'gamma']) await fleet.moveInput(name);
    await rename(fleet.inputs.beta ?? '', `${fleet.inputs.beta ?? ''}-gone`);
    const found = await update();
    assert.deepEqual(movedNames(found), ['alpha', 'gamma']);
    assert.deepEqual(
      found.unfetched.map(({ name }) => name),
      ['beta'],
    );
    assert.ok((found.unfetched[0]?.reason ?? '').length > 10);
    const alone = await update({ inputs: ['beta'] });
    assert.equal(alone.kind, 'unchanged');
    assert.equal(alone.unfetched.length, 1);
  }));

test('when nothing can be reached the update is tried again, and then says so', () =>
  withEvaluator({ hosts, inputs: ['alpha'] }, async (evaluator) => {
    const { update, fleet } = evaluator;
    await editFlake(
      evaluator,
      `git+file://${fleet.inputs.alpha ?? ''}?ref=main`,
      'http://me:secret@127.0.0.1:1/x.tar.gz',
    );
    const nix = { ...PLAIN_NIX, options: [['download-attempts', '1']] as const };
    await assert.rejects(
      update({ nix }),
      (error) => error instanceof ApplicationFailure && error.nonRetryable !== true,
    );
    const found = await update({ nix }, 3);
    assert.equal(found.kind, 'unchanged');
    assert.match(found.unfetched[0]?.reason ?? '', /127\.0\.0\.1/);
    assert.doesNotMatch(found.unfetched[0]?.reason ?? '', /secret/);
  }));

test('an unknown input, and one that follows another, are refused with what to name instead', () =>
  withEvaluator({ hosts }, async (evaluator) => {
    const { update, fleet } = evaluator;
    const unknown = await failure(update({ inputs: ['alpha', 'nixpkgs'] }), 'UnknownInput');
    assert.equal(unknown.message, 'The flake has no input nixpkgs. It has: alpha, beta.');
    await editFlake(evaluator, 'inputs = {', 'inputs = { gamma.follows = "beta";');
    await fleet.moveInput('alpha');
    const locked = await update({ inputs: ['alpha'] });
    assert.equal(locked.kind, 'updated');
    await git(
      fleet.remote,
      'fetch',
      '--quiet',
      path.join(evaluator.env.state.mirrors, (await readdir(evaluator.env.state.mirrors))[0] ?? ''),
      `${locked.draft.head}:refs/heads/main`,
    );
    const follower = await failure(update({ inputs: ['gamma'] }), 'UnknownInput');
    assert.equal(follower.message, 'Input gamma follows beta: name that one instead.');
  }));

test('an input that the lock does not have yet is locked, by name or with all others', () =>
  withEvaluator({ hosts }, async (evaluator) => {
    const { update, fleet } = evaluator;
    await editFlake(evaluator, 'inputs = {', `inputs = { gamma.url = "git+file://${fleet.inputs.beta ?? ''}";`);
    assert.deepEqual(movedNames(await update({ inputs: ['gamma'] })), ['gamma']);
    assert.deepEqual(movedNames(await update()), ['gamma']);
  }));

test('a missing lock is made, and a damaged one refused', () =>
  withEvaluator({ hosts }, async ({ update, fleet }) => {
    await fleet.pushToMain({ 'flake.lock': '' });
    assert.match((await failure(update(), 'LockUnreadable')).message, /empty/);
    const clone = path.join(fleet.root, 'another');
    await git(fleet.root, 'clone', '--quiet', fleet.remote, clone);
    await git(clone, 'rm', '--quiet', 'flake.lock');
    await git(clone, 'commit', '--quiet', '--message', 'No lock');
    await git(clone, 'push', '--quiet', 'origin', 'HEAD:main');
    assert.deepEqual(movedNames(await update()), ['alpha', 'beta']);
  }));

test('a flake that does not parse is no fault of its inputs', () =>
  withEvaluator({ hosts }, async (evaluator) => {
    await editFlake(evaluator, 'outputs =', 'outputs = =');
    assert.match((await failure(evaluator.update(), 'FlakeDoesNotParse')).message, /flake\.nix:\d+:\d+/);
  }));

test('a flake in a folder of its repository, with an input in another folder of it, is updated there', () =>
  withEvaluator({ hosts, dir: 'fleet' }, async ({ fleet, update }) => {
    await fleet.moveInput('alpha');
    const found = await update();
    assert.deepEqual(movedNames(found), ['alpha']);
  }));

test('a relative path input inside the repository stays an input', () =>
  withEvaluator({ hosts }, async (evaluator) => {
    const { fleet, update } = evaluator;
    await editFlake(evaluator, 'inputs = {', 'inputs = { sub.url = "path:./sub";', {
      'sub/flake.nix': '{ outputs = _: { lib.x = 1; }; }\n',
    });
    await fleet.moveInput('alpha');
    const found = await update();
    assert.ok(movedNames(found).includes('alpha'));
    assert.deepEqual(found.unfetched, []);
  }));

test('an upstream starts no program of the owner’s by its attributes, hooks or submodules: what it committed is what is fetched', () =>
  withEvaluator({ hosts }, async ({ fleet, update }) => {
    const ran = path.join(fleet.root, 'ran');
    const config = path.join(fleet.root, 'gitconfig');
    const mark = (what: string): string => `"touch '${ran}-${what}'; cat"`;
    await writeFile(
      config,
      `[filter "a.b"]\n\tsmudge = ${mark('smudge')}\n\tclean = ${mark('clean')}\n\trequired = true\n[core]\n\tfsmonitor = ${mark('fsmonitor')}\n`,
    );
    const alpha = fleet.inputs.alpha ?? '';
    await commitFiles(
      alpha,
      {
        '.gitattributes': '* filter=a.b\n',
        '.gitmodules': `[submodule "s"]\n\tpath = s\n\turl = ext::sh -c "touch% ${ran}-submodule"\n`,
      },
      'Upstream changes',
    );
    const moved = await withVariables({ GIT_CONFIG_GLOBAL: config, HOME: fleet.root }, () => update());
    assert.deepEqual(movedNames(moved), ['alpha']);
    for (const what of ['smudge', 'clean', 'fsmonitor', 'submodule'])
      assert.equal(existsSync(`${ran}-${what}`), false, what);
  }));
