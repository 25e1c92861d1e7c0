import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readIfThere } from '../../host/files.js';
import { atLeast } from '../../model/nix/version.js';
import { nixVersion } from '../../activities/nix/version.js';
import { run } from '../../activities/command/process.js';
import type { LockUpdate } from '../../model/contract/lock.js';
import { withEvaluator, PLAIN_NIX, type Evaluator } from '../support/evaluator.js';
import { failure } from '../support/failure.js';
import { commitFiles, git } from '../support/git.js';
import { noPrivateNix, runPrivately } from '../support/private-nix.js';
import { withStandIn } from '../support/stand-in.js';
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
    const { fleet, update } = evaluator;
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end('{ }');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const port = String((server.address() as AddressInfo).port);
    const calls = path.join(fleet.root, 'hg-calls');
    const bring = (url: string): Promise<string> =>
      changeInput(evaluator, 'alpha', { 'flake.nix': flake(`p.url = "${url}"; p.flake = false;`, ', p') });
    try {
      // Mercurial need not be here: who is asked for it is seen, and answers like a server that is gone.
      await withStandIn('hg', `echo "$* proxy=\${http_proxy-none}" >>'${calls}'; exit 255`, async () => {
        for (const [url, source] of [
          [`http://127.0.0.1:${port}/a.tar.gz`, `http://127.0.0.1:${port}/a.tar.gz`],
          [`git+http://localhost:${port}/a`, `git+http://localhost:${port}/a`],
          [`https://[::1]:${port}/a.tar.gz?x=1`, `https://[::1]:${port}/a.tar.gz`],
          ['git+ssh://git@git.example.org/a', 'git+ssh://git.example.org/a'],
          ['file:///etc/shadow', 'file:///etc/shadow'],
          ['git+file:///root/x/../y?ref=main', 'git+file:///root/x/../y'],
          ['hg+https://hg.example.org/a', 'hg+https://hg.example.org/a'],
          [`hg+http://127.0.0.1:${port}/a`, `hg+http://127.0.0.1:${port}/a`],
          ['hg+ssh://hg@hg.example.org/a', 'hg+ssh://hg.example.org/a'],
          ['hg+file:///root/x', 'hg+file:///root/x'],
          ['github:owner/repo?host=git.lan', 'https://git.lan/owner/repo'],
        ] as const) {
          await bring(url);
          const found = await update({ inputs: ['alpha'] });
          assert.deepEqual(refusedSources(found), [['alpha', [source]]], url);
          assert.deepEqual(found.unfetched, []);
        }
        assert.deepEqual([asked, await readIfThere(calls)], [[], null]);

        // What the owner accepts is asked for, and not by the proxy, which Mercurial does not know.
        const hg = `hg+http://127.0.0.1:${port}`;
        await bring(`${hg}/a`);
        await fleet.moveInput('beta');
        const accepted = await update({ nix: { ...PLAIN_NIX, allowSources: [hg] } });
        assert.deepEqual([movedNames(accepted), refusedSources(accepted)], [['beta'], []]);
        assert.deepEqual(
          accepted.unfetched.map(({ name }) => name),
          ['alpha'],
        );
        assert.match((await readIfThere(calls)) ?? '', new RegExp(`http://127\\.0\\.0\\.1:${port}/a .*proxy=none`));
      });

      // A private cache of the owner's is neither asked for a lock nor in its way, where Nix has no daemon that would ask.
      const substituters = [['substituters', `http://127.0.0.1:${port}`]] as const;
      const locked = await update({ inputs: ['beta'], nix: { ...PLAIN_NIX, options: substituters } });
      assert.deepEqual([movedNames(locked), locked.unfetched, asked], [['beta'], [], []]);
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

test('submodules that lead to folders, private networks or other transports hold an input back, whoever asks for them', () =>
  withSecret(async (evaluator, { folder, inStore }) => {
    const { fleet, update } = evaluator;
    const [alpha, beta] = [fleet.inputs.alpha ?? '', fleet.inputs.beta ?? ''];
    await git(folder, 'init', '--quiet');
    const secret = await commitFiles(folder, {}, 'A secret');
    const withSubmodule = async (repository: string, url: string, flakeText?: string): Promise<string> => {
      await mkdir(path.join(repository, 's'), { recursive: true });
      await git(repository, 'update-index', '--add', '--cacheinfo', `160000,${secret},s`);
      const files = { '.gitmodules': `[submodule "s"]\n\tpath = s\n\turl = ${url}\n` };
      return commitFiles(
        repository,
        flakeText === undefined ? files : { ...files, 'flake.nix': flakeText },
        'Upstream',
      );
    };
    const text = await git(fleet.remote, 'show', 'main:flake.nix');
    const asking = text.replace(`file://${alpha}?ref=main`, `file://${alpha}?ref=main&submodules=1`);
    assert.notEqual(asking, text);
    await fleet.pushToMain({ 'flake.nix': asking, ...(await locked(asking, fleet.checkout)) });
    await fleet.moveInput('alpha');
    const first = await update();
    assert.deepEqual([movedNames(first), first.refused, first.unfetched], [['alpha'], undefined, []]);

    await fleet.moveInput('beta');
    for (const [url, source] of [
      [path.relative(alpha, folder), `git+file://${folder}`],
      ['git@git.example.org:team/x', 'git+ssh://git.example.org/team/x'],
      ['https://127.0.0.1:1/x', 'git+https://127.0.0.1:1/x'],
    ] as const) {
      await withSubmodule(alpha, url);
      const found = await update();
      assert.deepEqual([movedNames(found), refusedSources(found)], [['beta'], [['alpha', [source]]]], url);
      assert.deepEqual(found.unfetched, []);
    }
    // Base is asked as well: it had nothing from there.
    await withSubmodule(alpha, folder);
    const version = await nixVersion();
    const nix = { ...PLAIN_NIX, allowSources: [`git+file://${folder}`] };
    // Git of Nix 2.8 clones no folder as a submodule.
    const accepted = await update({ nix });
    assert.deepEqual(movedNames(accepted), atLeast(version, 2, 20) ? ['alpha', 'beta'] : ['beta']);

    // An input asks for the submodules of one below it.
    await withSubmodule(beta, folder);
    await rm(path.join(alpha, 's'), { recursive: true });
    const nested = `git+file://${beta}?ref=main&submodules=1`;
    await commitFiles(alpha, { '.gitmodules': '', 'flake.nix': flake(`b.url = "${nested}";`, ', b') }, 'Upstream');
    const below = await update({ nix: { ...PLAIN_NIX, allowSources: [`git+file://${beta}`] } });
    assert.deepEqual(movedNames(below), ['beta']);
    if (atLeast(version, 2, 20)) assert.deepEqual(refusedSources(below), [['alpha', [`git+file://${folder}`]]]);
    else
      assert.deepEqual(
        below.unfetched.map(({ name }) => name),
        ['alpha'],
      );

    // An input asks for its own.
    await withSubmodule(beta, folder, flake('self.submodules = true;', ''));
    const own = await update({ inputs: ['beta'] });
    assert.equal(own.kind, 'unchanged');
    if (own.unfetched.length === 0) assert.deepEqual(refusedSources(own), [['beta', [`git+file://${folder}`]]]);
    assert.equal(await inStore(), false);
  }));

test('a server that sends a download on to a private network gets nothing from there, and says so', () =>
  withSecret(async (evaluator) => {
    const { fleet, update } = evaluator;
    const archive = path.join(fleet.root, 'source.tar.gz');
    await git(fleet.inputs.alpha ?? '', 'archive', '--prefix=source/', `--output=${archive}`, 'main');
    const asked: string[] = [];
    let link: string | null = null;
    const serve = async (answer: (response: ServerResponse) => void | Promise<void>): Promise<[Server, string]> => {
      const server = createServer((request, response) => {
        asked.push(`${request.headers.host ?? ''}${request.url ?? ''}`);
        void answer(response);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return [server, `127.0.0.1:${(server.address() as AddressInfo).port}`];
    };
    const send = async (response: ServerResponse): Promise<void> => {
      response.setHeader('Content-Type', 'application/gzip');
      if (link !== null) response.setHeader('Link', `<${link}>; rel="immutable"`);
      response.end(await readFile(archive));
    };
    let elsewhere: string | null = null;
    const [hidden, secretPlace] = await serve(send);
    const [open, place] = await serve((response) => {
      if (elsewhere === null) return send(response);
      response.writeHead(302, { Location: elsewhere }).end();
    });
    try {
      const text = await git(fleet.remote, 'show', 'main:flake.nix');
      const asking = text.replace(
        'inputs = {',
        `inputs = { gamma = { url = "http://${place}/a.tar.gz"; flake = false; };`,
      );
      await fleet.pushToMain({ 'flake.nix': asking, ...(await locked(asking, fleet.checkout)) });

      await fleet.moveInput('beta');
      await git(fleet.inputs.beta ?? '', 'archive', '--prefix=source/', `--output=${archive}`, 'main');
      elsewhere = `http://${secretPlace}/a.tar.gz`;
      const found = await update();
      assert.deepEqual(movedNames(found), ['beta']);
      const [gamma] = found.unfetched;
      assert.deepEqual([found.unfetched.length, gamma?.name], [1, 'gamma']);
      assert.match(
        gamma?.reason ?? '',
        new RegExp(`it leads to ${secretPlace}, in a private network, .* --allow-source ${secretPlace} `),
      );
      assert.ok(!asked.some((each) => each.startsWith(secretPlace)), asked.join(' '));

      const greeted: string[] = [];
      const ftp = createTcpServer((socket) => {
        greeted.push('connected');
        socket.end('421 Not now\r\n');
      });
      await new Promise<void>((resolve) => ftp.listen(0, '127.0.0.1', resolve));
      elsewhere = `ftp://127.0.0.1:${(ftp.address() as AddressInfo).port}/a.tar.gz`;
      const byFtp = await update();
      ftp.close();
      assert.deepEqual([movedNames(byFtp), byFtp.unfetched.map(({ name }) => name)], [['beta'], ['gamma']]);
      assert.deepEqual(greeted, []);
      elsewhere = `http://${secretPlace}/a.tar.gz`;

      const allowed = await update({ nix: { ...PLAIN_NIX, allowSources: [secretPlace] } });
      assert.deepEqual([movedNames(allowed), allowed.unfetched], [['beta', 'gamma'], []]);
      assert.ok(asked.some((each) => each.startsWith(secretPlace)));

      // What is to be locked in the place of the address that was asked.
      elsewhere = null;
      for (link of [`http://${secretPlace}/a.tar.gz`, `file://${archive}`]) {
        const linked = await update();
        const isHeeded = atLeast(await nixVersion(), 2, 19);
        assert.deepEqual(refusedSources(linked), isHeeded ? [['gamma', [link]]] : []);
        assert.deepEqual(movedNames(linked), isHeeded ? ['beta'] : ['beta', 'gamma']);
      }
    } finally {
      for (const server of [hidden, open]) server.close();
    }
  }));

/** The lock that Nix makes of a flake. */
async function locked(flakeText: string, checkout: string): Promise<Record<string, string>> {
  await writeFile(path.join(checkout, 'flake.nix'), flakeText);
  const nix = ['--extra-experimental-features', 'nix-command flakes', 'flake', 'lock'];
  const made = await run('nix', nix, { cwd: checkout });
  assert.equal(made.exitCode, 0, made.stderr);
  return { 'flake.lock': await readFile(path.join(checkout, 'flake.lock'), 'utf8') };
}

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
