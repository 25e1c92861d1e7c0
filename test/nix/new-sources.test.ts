import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { atLeast } from '../../activities/nix/commands.js';
import { nixVersion } from '../../activities/nix/version.js';
import { run } from '../../activities/command/process.js';
import type { LockUpdate } from '../../model/contract/activities.js';
import { withEvaluator, PLAIN_NIX, type Evaluator } from '../support/evaluator.js';
import { failure } from '../support/failure.js';
import { commitFiles, git } from '../support/git.js';
import { noPrivateNix, runPrivately } from '../support/private-nix.js';
import { otherNixes } from '../support/tools.js';

const hosts = [{ name: 'a' }];

const movedNames = (update: LockUpdate): readonly string[] =>
  update.kind === 'updated' ? update.moved.map(({ name }) => name) : [];
const refusedSources = (update: LockUpdate): unknown =>
  (update.refused ?? []).map(({ name, sources }) => [name, sources]);

const flake = (inputs: string, args: string): string =>
  `{ inputs = { ${inputs} }; outputs = { self${args} }: { version = import ./version.nix; broken = false; }; }\n`;

/** A fleet beside a private folder, and how to see whether its content came into the store. */
async function withSecret(
  work: (
    evaluator: Evaluator,
    secret: { readonly folder: string; readonly inStore: () => Promise<boolean> },
  ) => Promise<void>,
): Promise<void> {
  await withEvaluator({ hosts, inputs: ['alpha', 'beta'] }, async (evaluator) => {
    const folder = path.join(evaluator.fleet.root, 'private');
    const word = `secret-${path.basename(evaluator.fleet.root)}`;
    await mkdir(folder, { mode: 0o700 });
    await writeFile(path.join(folder, 'key'), word);
    await writeFile(path.join(folder, 'flake.nix'), '{ outputs = _: { }; }');
    const inStore = async (): Promise<boolean> =>
      (await run('grep', ['-rlsq', '--include=key', '--include=*private*', '--', word, '/nix/store'])).exitCode === 0;
    await work(evaluator, { folder, inStore });
    assert.deepEqual(await readdir(evaluator.env.state.work).catch(() => []), [], 'no store is left behind');
  });
}

const changeInput = (evaluator: Evaluator, name: string, files: Readonly<Record<string, string>>): Promise<string> =>
  commitFiles(evaluator.fleet.inputs[name] ?? '', files, 'Upstream changes');

test('an input that brings a private folder stays, the folder does not get into the store, and the others move', () =>
  withSecret(async (evaluator, { folder, inStore }) => {
    const { fleet, update } = evaluator;
    const before = await git(fleet.inputs.alpha ?? '', 'rev-parse', 'main');
    const after = await changeInput(evaluator, 'alpha', { 'flake.nix': flake(`p.url = "path:${folder}";`, ', p') });
    await fleet.moveInput('beta');
    const found = await update();
    assert.equal(await inStore(), false);
    assert.deepEqual(movedNames(found), ['beta']);
    assert.deepEqual(found.unfetched, []);
    assert.deepEqual(refusedSources(found), [['alpha', [`path:${folder}`]]]);
    const [refused] = found.refused ?? [];
    assert.deepEqual([refused?.from?.revision, refused?.to?.revision], [before, after]);

    assert.equal((await update({ inputs: ['alpha'] })).kind, 'unchanged');
    const allowing = (allowSources: string[]) => update({ nix: { ...PLAIN_NIX, allowSources } });
    assert.deepEqual(movedNames(await allowing([`path:${folder}-2`])), ['beta']);
    assert.deepEqual(movedNames(await allowing([`path:${path.dirname(folder)}`])), ['alpha', 'beta']);
  }));

test('what an input hides below its own inputs is found as well, and does not get into the store', () =>
  withSecret(async (evaluator, { folder, inStore }) => {
    const { fleet, update } = evaluator;
    const beta = `git+file://${fleet.inputs.beta ?? ''}?ref=main`;
    // Alpha's own lock is silent of what beta asks for now.
    await changeInput(evaluator, 'alpha', { 'flake.nix': flake(`b.url = "${beta}";`, ', b') });
    const first = await update({ nix: { ...PLAIN_NIX, allowSources: [`git+file://${fleet.inputs.beta ?? ''}`] } });
    assert.deepEqual(movedNames(first), ['alpha']);
    await changeInput(evaluator, 'beta', {
      'flake.nix': flake(`p = { url = "path:${folder}"; flake = false; };`, ', p'),
    });
    const found = await update({ nix: { ...PLAIN_NIX, allowSources: [`git+file://${fleet.inputs.beta ?? ''}`] } });
    assert.deepEqual(refusedSources(found), [
      ['beta', [`path:${folder}`]],
      ['alpha', [`path:${folder}`]],
    ]);
    assert.equal(found.kind, 'unchanged');
    assert.equal(await inStore(), false);
  }));

test('a private folder that only the lock of an input names, with whatever hash, is refused', () =>
  withSecret(async (evaluator, { folder, inStore }) => {
    const { update } = evaluator;
    const original = { type: 'github', owner: 'owner', repo: 'harmless' };
    const locked = { type: 'path', path: folder, narHash: `sha256-${'A'.repeat(43)}=`, lastModified: 1 };
    await changeInput(evaluator, 'alpha', {
      'flake.nix': flake('p.url = "github:owner/harmless";', ', p'),
      'flake.lock': JSON.stringify({
        nodes: { p: { locked, original }, root: { inputs: { p: 'p' } } },
        root: 'root',
        version: 7,
      }),
    });
    assert.deepEqual(refusedSources(await update()), [['alpha', [`path:${folder}`]]]);
    assert.equal(await inStore(), false);
  }));

test('sources of every kind that is not public are refused before anybody is asked for them', () =>
  withSecret(async (evaluator) => {
    const { update } = evaluator;
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end('{ }');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const port = String((server.address() as AddressInfo).port);
    try {
      for (const [url, source] of [
        [`http://127.0.0.1:${port}/a.tar.gz`, `http://127.0.0.1:${port}/a.tar.gz`],
        [`git+http://localhost:${port}/a`, `git+http://localhost:${port}/a`],
        [`https://[::1]:${port}/a.tar.gz?x=1`, `https://[::1]:${port}/a.tar.gz`],
        ['git+ssh://git@git.example.org/a', 'git+ssh://git.example.org/a'],
        ['file:///etc/shadow', 'file:///etc/shadow'],
        ['git+file:///root/x/../y?ref=main', 'git+file:///root/x/../y'],
        ['hg+https://hg.example.org/a', 'hg+https://hg.example.org/a'],
        ['github:owner/repo?host=git.lan', 'https://git.lan/owner/repo'],
      ] as const) {
        await changeInput(evaluator, 'alpha', {
          'flake.nix': flake(`p.url = "${url}"; p.flake = false;`, ', p'),
        });
        const found = await update({ inputs: ['alpha'] });
        assert.deepEqual(refusedSources(found), [['alpha', [source]]], url);
        assert.deepEqual(found.unfetched, []);
      }
      assert.deepEqual(asked, []);
    } finally {
      server.close();
    }
  }));

test('a folder of the input itself, and what the owner’s flake.nix names, need no leave', () =>
  withSecret(async (evaluator, { folder }) => {
    const { fleet, update } = evaluator;
    await changeInput(evaluator, 'alpha', {
      'flake.nix': flake('sub.url = "path:./sub"; p.url = "path:/nowhere";', ', sub, p'),
      'sub/flake.nix': '{ outputs = _: { }; }',
    });
    const text = await git(fleet.remote, 'show', 'main:flake.nix');
    const [before = '', after = ''] = text.split('inputs = {');
    await fleet.pushToMain({
      'flake.nix': `${before}inputs = { alpha.inputs.p.url = "path:${folder}";${after}\n`,
    });
    const found = await update({ inputs: ['alpha'] });
    assert.deepEqual([movedNames(found), found.refused], [['alpha'], undefined]);
  }));

test('an input that is new in flake.nix and brings a private folder is told with the way to accept it', () =>
  withSecret(async (evaluator, { folder, inStore }) => {
    const { fleet, update } = evaluator;
    await changeInput(evaluator, 'alpha', { 'flake.nix': flake(`p.url = "path:${folder}";`, ', p') });
    const lock = JSON.parse(await readFile(path.join(fleet.checkout, 'flake.lock'), 'utf8')) as {
      nodes: { root: { inputs: Record<string, string> } };
    };
    delete lock.nodes.root.inputs.alpha;
    await fleet.pushToMain({ 'flake.lock': JSON.stringify(lock) });
    const refused = await failure(update({ inputs: ['alpha'] }), 'SourceRefused');
    assert.match(
      refused.message,
      new RegExp(`^The flake.lock of the main branch does not have input alpha as .* --allow-source path:${folder} `),
    );
    await failure(update({ inputs: ['beta'] }), 'SourceRefused');
    assert.equal(await inStore(), false);
  }));

test(
  'evaluation fetches no file of the machine that the lock does not name, nor its folder',
  { skip: atLeast(await nixVersion(), 2, 26) ? false : 'this Nix cannot be told' },
  () =>
    withSecret(async ({ fleet, candidate, evaluate }, { folder, inStore }) => {
      const text = await git(fleet.remote, 'show', 'main:flake.nix');
      const hash = `sha256-${'A'.repeat(43)}=`;
      await commitFiles(fleet.inputs.beta ?? '', { key: 'of an input' }, 'A file');
      for (const [expression, says] of [
        [`builtins.readFile (builtins.fetchurl { url = "file://${folder}/key"; sha256 = "${hash}"; })`, /forbidden/],
        [`(builtins.fetchTree { type = "path"; path = "${folder}"; narHash = "${hash}"; }).outPath`, /forbidden/],
        [
          `(builtins.fetchTree { type = "file"; url = "file://${folder}/key"; narHash = "${hash}"; }).outPath`,
          /forbidden/,
        ],
        [`builtins.readFile "${folder}/key"`, /forbidden/],
        ['builtins.seq inputs.beta.outPath (builtins.readFile ./flake.nix)', null],
      ] as const) {
        const host = text.replace('nixosConfigurations = ', `nixosConfigurations = builtins.seq (${expression}) `);
        assert.notEqual(host, text);
        const evaluation = await evaluate(await candidate('flake.nix', host), 'a');
        if (says === null) assert.equal(evaluation.kind, 'evaluated', JSON.stringify(evaluation));
        else assert.match(evaluation.kind === 'failed' ? (evaluation.verdict.logTail ?? '') : '', says, expression);
      }
      assert.equal(await inStore(), false);
    }),
);

if (process.env.MACHINE_PATH === undefined) {
  const skip = await noPrivateNix();
  for (const { name, binDir } of otherNixes())
    test(`new sources are refused on ${name} as well`, { skip }, async () => {
      const finished = await runPrivately({ binDir }, fileURLToPath(import.meta.url));
      assert.equal(finished.exitCode, 0, finished.stdout + finished.stderr);
    });
}
