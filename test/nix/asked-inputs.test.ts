import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rename, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ApplicationFailure } from '@temporalio/common';
import { atLeast } from '../../model/nix/version.js';
import { nixVersion } from '../../activities/nix/version.js';
import { run } from '../../activities/command/process.js';
import type { LockUpdate } from '../../model/contract/lock.js';
import { failure } from '../support/failure.js';
import { withEvaluator, type Evaluator } from '../support/evaluator.js';
import { commitFiles, git } from '../support/git.js';
import { noPrivateNix, runPrivately } from '../support/private-nix.js';
import { withSilentServer, type SilentServer } from '../support/silent-server.js';
import { withEndlessRemote } from '../support/endless-remote.js';
import { runningCommands } from '../support/processes.js';
import { withVariables } from '../support/variables.js';
import { otherNixes } from '../support/tools.js';

const hosts = [{ name: 'a' }];

const movedNames = (update: LockUpdate): readonly string[] =>
  update.kind === 'updated' ? update.moved.map(({ name }) => name) : [];
const unfetchedNames = (update: LockUpdate): readonly string[] => update.unfetched.map(({ name }) => name);

/** Changes `flake.nix` on main and brings the lock in line with it; something has to move for it. */
async function editFlake(evaluator: Evaluator, from: string, to: string): Promise<void> {
  const { fleet, update } = evaluator;
  const text = await git(fleet.remote, 'show', 'main:flake.nix');
  assert.ok(text.includes(from), text);
  await fleet.pushToMain({ 'flake.nix': `${text.replace(from, to)}\n` });
  await landOn(evaluator, await update());
}

/** Moves main to what an update gave. */
async function landOn({ fleet, env }: Evaluator, found: LockUpdate): Promise<void> {
  assert.equal(found.kind, 'updated');
  const mirror = path.join(env.state.mirrors, (await readdir(env.state.mirrors))[0] ?? '');
  await git(fleet.remote, 'fetch', '--quiet', mirror, `${found.draft.head}:refs/heads/main`);
}

/** A fleet whose input alpha is on a server that can be silent. */
const withServer = (work: (evaluator: Evaluator, server: SilentServer) => Promise<void>): Promise<void> =>
  withEvaluator({ hosts, inputs: ['alpha', 'beta', 'gamma'] }, (evaluator) =>
    withSilentServer(evaluator.fleet.root, async (server) => {
      const alpha = evaluator.fleet.inputs.alpha ?? '';
      await evaluator.fleet.moveInput('alpha');
      await editFlake(evaluator, `git+file://${alpha}?ref=main`, server.url(alpha));
      await work(evaluator, server);
    }),
  );

test('an input whose server does not answer stays, with what Git and ssh said, and the others move', () =>
  withServer(async ({ fleet, update }, server) => {
    for (const name of ['alpha', 'beta']) await fleet.moveInput(name);
    await server.answers(false);
    const found = await update();
    assert.deepEqual(movedNames(found), ['beta']);
    const reason = 'ssh: connect to host server.example port 22: Connection refused';
    assert.deepEqual(found.unfetched, [{ name: 'alpha', reason }]);
    assert.deepEqual(await update({ inputs: ['gamma'] }), { kind: 'unchanged', unfetched: [] });
    await server.answers(true);
    assert.deepEqual(movedNames(await update()), ['alpha', 'beta']);
  }));

test('an input is not taken back to what this machine fetched in an earlier run', () =>
  withServer(async (evaluator, server) => {
    const { fleet, update } = evaluator;
    const { XDG_CACHE_HOME } = process.env;
    const cache = await mkdtemp(path.join(tmpdir(), 'lockkeeper-cache-'));
    try {
      await fleet.moveInput('alpha');
      // Another machine's update, of which this one's caches know nothing.
      process.env.XDG_CACHE_HOME = cache;
      await landOn(evaluator, await update());
    } finally {
      if (XDG_CACHE_HOME === undefined) delete process.env.XDG_CACHE_HOME;
      else process.env.XDG_CACHE_HOME = XDG_CACHE_HOME;
      await rm(cache, { recursive: true, force: true });
    }
    await server.answers(false);
    const found = await update();
    assert.equal(found.kind, 'unchanged');
    assert.deepEqual(unfetchedNames(found), ['alpha']);
    assert.equal(found.noneAsked, undefined, 'the others were asked');
  }));

test('when upstream answers for not one input, a short outage is waited for, and then it is said', () =>
  withServer(async ({ update, fleet }, server) => {
    await server.answers(false);
    await assert.rejects(update({ inputs: ['alpha'] }), (error) => {
      assert.ok(error instanceof ApplicationFailure && error.nonRetryable !== true);
      assert.equal(error.nextRetryDelay, '5 seconds');
      return true;
    });
    const late = await update({ inputs: ['alpha'] }, 3);
    assert.deepEqual([late.kind, unfetchedNames(late)], ['unchanged', ['alpha']]);
    assert.equal(late.kind === 'unchanged' && late.noneAsked, true);

    await rename(fleet.inputs.gamma ?? '', `${fleet.inputs.gamma ?? ''}-gone`);
    const gone = await update({ inputs: ['gamma'] });
    assert.equal(gone.kind === 'unchanged' && gone.noneAsked, true, 'what does not pass is said at once');
    assert.doesNotMatch(gone.unfetched[0]?.reason ?? '', /exit code/);
  }));

test('a server of files that refuses for now is told by its status and its own message', () =>
  withEvaluator({ hosts }, async (evaluator) => {
    const { fleet, update } = evaluator;
    await fleet.moveInput('alpha');
    const archive = await archiveOf(fleet.inputs.alpha ?? '');
    let refuses = false;
    const server = createServer((_request, response) => {
      if (refuses) response.writeHead(403).end('{\n  "message": "API rate limit exceeded"\n}');
      else response.end(archive);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/alpha.tar.gz`;
      await editFlake(evaluator, `git+file://${fleet.inputs.alpha ?? ''}?ref=main`, url);
      refuses = true;
      await fleet.moveInput('beta');
      const found = await update();
      assert.deepEqual(movedNames(found), ['beta']);
      assert.deepEqual(unfetchedNames(found), ['alpha']);
      assert.match(
        found.unfetched[0]?.reason ?? '',
        /^unable to download 'http:.*\/alpha\.tar\.gz': HTTP error 403.*\(API rate limit exceeded\)$/,
      );
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }));

test('an input that went back to an older revision stays, unless a person is asked', () =>
  withEvaluator({ hosts }, async (evaluator) => {
    const { fleet, update } = evaluator;
    const alpha = fleet.inputs.alpha ?? '';
    await git(alpha, '-c', 'user.name=O', 'commit', '--quiet', '--amend', '--no-edit', '--date=2020-01-01');
    const rewound = await git(alpha, 'rev-parse', 'HEAD');
    // Git dates commits to the second.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await fleet.moveInput('alpha');
    await landOn(evaluator, await update());
    await git(alpha, 'reset', '--quiet', '--hard', rewound);
    await fleet.moveInput('beta');

    const found = await update();
    assert.deepEqual(movedNames(found), ['beta']);
    assert.deepEqual(unfetchedNames(found), ['alpha']);
    const words = new RegExp(
      `would go back from [0-9a-f]{8} \\(.*\\) to ${rewound.slice(0, 8)} .*--input alpha --approve`,
    );
    assert.match(found.unfetched[0]?.reason ?? '', words);
    const alone = await update({ inputs: ['alpha'] });
    assert.equal(alone.kind === 'unchanged' && alone.noneAsked, undefined, 'upstream did answer');

    const asked = await update({ mayGoBack: true });
    assert.ok(asked.kind === 'updated');
    assert.deepEqual(
      asked.moved.map(({ name, goesBack }) => [name, goesBack]),
      [
        ['alpha', true],
        ['beta', undefined],
      ],
    );
  }));

test('inputs move alone whatever flake.nix calls them', () =>
  withEvaluator({ hosts, inputs: ['alpha', 'beta', 'gamma', 'delta'] }, async (evaluator) => {
    const { fleet, update } = evaluator;
    const url = (name: string): string => `"git+file://${fleet.inputs[name] ?? ''}?ref=main"`;
    const odd = `_1x.url = ${url('alpha')}; "a.b".url = ${url('beta')}; "1st".url = ${url('gamma')};`;
    await editFlake(evaluator, 'inputs = {', `inputs = { ${odd}`);
    for (const name of ['alpha', 'beta', 'gamma']) await fleet.moveInput(name);
    for (const name of ['_1x', 'a.b', '1st']) assert.deepEqual(movedNames(await update({ inputs: [name] })), [name]);
    const excludeInputs = ['alpha', 'beta', 'gamma', 'delta', '1st'];
    assert.deepEqual(movedNames(await update({ excludeInputs })), ['_1x', 'a.b']);
    await rename(fleet.inputs.delta ?? '', `${fleet.inputs.delta ?? ''}-gone`);
    const found = await update();
    assert.deepEqual(movedNames(found), ['1st', '_1x', 'a.b', 'alpha', 'beta', 'gamma']);
    assert.deepEqual(unfetchedNames(found), ['delta']);
  }));

test('an input below another with a source of its own stays when others move, or the Nix that can do it is named', () =>
  withEvaluator({ hosts, inputs: ['alpha', 'beta', 'gamma'], follows: { alpha: 'beta' } }, async (evaluator) => {
    const { fleet, update, list } = evaluator;
    const text = await git(fleet.remote, 'show', 'main:flake.nix');
    const follows = /inputs\.below\.follows = "beta"/;
    assert.match(text, follows);
    const source = `inputs.below.url = "git+file://${fleet.inputs.gamma ?? ''}?ref=main"`;
    await fleet.pushToMain({ 'flake.nix': `${text.replace(follows, source)}\n` });
    await fleet.moveInput('gamma');
    await landOn(evaluator, await update({ inputs: ['alpha'] }));
    for (const name of ['beta', 'gamma']) await fleet.moveInput(name);
    if (atLeast(await nixVersion(), 2, 20)) {
      assert.deepEqual(movedNames(await update({ inputs: ['beta'] })), ['beta']);
      assert.equal((await list()).targets.length, 1);
    } else {
      const { message } = await failure(list(), 'NixUnusable');
      assert.match(message, /inputs\.alpha\.inputs\.below\.url.*Nix 2\.20 or newer/);
    }
  }));

test('a lock behind a link is written where the link leads, or refused by name where Nix follows none', () =>
  withEvaluator({ hosts, inputs: ['alpha', 'beta'], dir: 'sub' }, async (evaluator) => {
    const { fleet, update, list } = evaluator;
    const { checkout } = fleet;
    await rename(path.join(checkout, 'sub/flake.lock'), path.join(checkout, 'shared.lock'));
    await symlink('sub', path.join(checkout, 'other'));
    await symlink('../other/.././shared.lock', path.join(checkout, 'sub/flake.lock'));
    const base = await commitFiles(checkout, {}, 'A shared lock');
    await git(checkout, 'push', '--quiet', 'origin', 'main');
    await fleet.moveInput('alpha');
    if (atLeast(await nixVersion(), 2, 20)) {
      const refused =
        /sub\/flake\.nix at commit [0-9a-f]{12} is a link, and nix \(Nix\) 2\..* does not read a lock through one/;
      for (const asked of [update, list]) assert.match((await failure(asked(), 'LockUnreadable')).message, refused);
      return;
    }
    const found = await update();
    assert.deepEqual(movedNames(found), ['alpha']);
    await landOn(evaluator, found);
    const changed = await git(fleet.remote, 'diff', '--name-status', base, 'main');
    assert.equal(changed, 'M\tshared.lock');
    assert.equal((await list()).targets.length, 1);
  }));

/** A repository's files as a tarball. */
async function archiveOf(repository: string): Promise<Buffer> {
  const file = `${repository}.tar.gz`;
  const packed = await run('git', ['archive', '--prefix=source/', `--output=${file}`, 'HEAD'], { cwd: repository });
  assert.equal(packed.exitCode, 0, packed.stderr);
  return readFile(file);
}

const skip = await noPrivateNix();
for (const { name, binDir } of process.env.MACHINE_PATH === undefined ? otherNixes() : []) {
  test(`the same on ${name}`, { skip }, async () => {
    const finished = await runPrivately({ binDir }, fileURLToPath(import.meta.url));
    assert.equal(finished.exitCode, 0, finished.stdout + finished.stderr);
  });
}

test('an upstream that sends a tarball byte by byte is cut off, with the limit and the way to raise it', () =>
  withVariables({ LOCKKEEPER_FETCH_SECONDS: '24' }, () =>
    withEvaluator({ hosts, inputs: ['alpha', 'beta'] }, ({ fleet, update }) =>
      withEndlessRemote('http-drip', async ({ url }) => {
        const text = await git(fleet.remote, 'show', 'main:flake.nix');
        const alpha = `git+file://${fleet.inputs.alpha ?? ''}?ref=main`;
        assert.ok(text.includes(alpha), text);
        await fleet.pushToMain({ 'flake.nix': `${text.replace(alpha, `${url}/endless.tar.gz`)}\n` });
        const began = Date.now();
        const found = await update();
        assert.deepEqual(unfetchedNames(found), ['alpha', 'beta']);
        assert.match(found.unfetched[0]?.reason ?? '', /not fetched within 6 s, .* raise LOCKKEEPER_FETCH_SECONDS/);
        assert.ok(Date.now() - began < 60_000, `${Date.now() - began} ms`);
        assert.equal(
          (await runningCommands()).some(({ words }) => words.join(' ').includes(url)),
          false,
        );
      }),
    ),
  ));
