import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createLockActivities } from '../../activities/nix/evaluation.js';
import { flakeSettings } from '../../activities/nix/flake-file.js';
import { targetLabel } from '../../model/targets/index.js';
import { failure } from '../support/failure.js';
import type { ListTargetsInput, TargetList, WaitHeartbeat } from '../../model/contract/verification.js';
import { PLAIN_NIX, withEvaluator } from '../support/evaluator.js';
import { withTarball } from '../support/tarball-server.js';
import { withVariables } from '../support/variables.js';

const names = (list: { readonly targets: readonly { readonly name: string }[] }): readonly string[] =>
  list.targets.map(({ name }) => name);

const NO_INPUTS = '{"nodes":{"root":{}},"root":"root","version":7}\n';

const HOSTS = [
  { name: 'web.example' },
  { name: 'ann@home' },
  { name: 'broken', fail: 'eval' as const },
  { name: 'db-minimal' },
];

test('every host of the flake is a target, sorted, also one that throws and ones with dots and @ in their names', () =>
  withEvaluator({ hosts: HOSTS }, async ({ list }) => {
    const found = await list();
    assert.deepEqual(names(found), ['ann@home', 'broken', 'db-minimal', 'web.example']);
    assert.deepEqual(found.ignoredNixConfig, []);
  }));

test('numbers in names of hosts count by their value', () =>
  withEvaluator({ hosts: ['web10', 'web2', 'db1', 'web1'].map((name) => ({ name })) }, async ({ list }) => {
    assert.deepEqual(names(await list()), ['db1', 'web1', 'web2', 'web10']);
    assert.deepEqual(names(await list({ hosts: ['web10', 'web2'] })), ['web2', 'web10']);
  }));

test('hosts whose whole name matches the exclude pattern are left out', () =>
  withEvaluator({ hosts: HOSTS }, async ({ list }) => {
    assert.deepEqual(names(await list({ exclude: '.*-minimal|broke' })), ['ann@home', 'broken', 'web.example']);
    const nothing = await failure(list({ exclude: '.*' }), 'NoTargets');
    assert.match(nothing.message, /exclude pattern \.\* leaves none of the hosts ann@home, broken/);
  }));

test('a host whose name has no end, or steers terminals, is refused unless it is left out', async () => {
  for (const name of ['x'.repeat(201), 'web\u001b]52;c;\u0007', 'a\u202eb']) {
    await withEvaluator({ hosts: [{ name: 'web' }, { name }] }, async ({ list }) => {
      const { message } = await failure(list(), 'UnknownHost');
      assert.match(message, /name cannot be used.*--exclude/);
      // eslint-disable-next-line no-control-regex -- that is what must not be there
      assert.doesNotMatch(message, /[\u001b\u0007\u202e]/);
      assert.deepEqual(names(await list({ exclude: '(?!web$).*[^]*' })), ['web']);
    });
  }
});

test('a named host that the flake does not have is refused with the names that it has', () =>
  withEvaluator({ hosts: HOSTS }, async ({ list }) => {
    assert.deepEqual(names(await list({ hosts: ['web.example', 'broken', 'broken'] })), ['broken', 'web.example']);
    const error = await failure(list({ hosts: ['broken', 'wbe'] }), 'UnknownHost');
    assert.match(error.message, /has no host wbe\. It has: ann@home, broken, db-minimal, web\.example\./);
  }));

test('settings of the flake’s nixConfig are named as ignored, unless they are accepted', () =>
  withEvaluator(
    {
      hosts: [{ name: 'a' }],
      nixConfig:
        'extra-substituters = [ "https://c.example" "https://d.example" ]; max-jobs = 3; commit-lockfile-summary = "m\\nn";',
    },
    async ({ list }) => {
      assert.deepEqual((await list()).ignoredNixConfig, [
        'commit-lockfile-summary = m n',
        'extra-substituters = https://c.example https://d.example',
        'max-jobs = 3',
      ]);
      const accepted = await list({ nix: { options: [], impure: false, acceptFlakeConfig: true } });
      assert.deepEqual(accepted.ignoredNixConfig, []);
    },
  ));

test('reading nixConfig reads no file, not even one that NIX_PATH leads to', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'lockkeeper-private-'));
  const before = process.env.NIX_PATH;
  try {
    await writeFile(path.join(folder, 'private'), 'swordfish');
    process.env.NIX_PATH = `private=${folder}`;
    assert.equal(await flakeSettings(`{ nixConfig.x = builtins.readFile "${folder}/private"; }`), null);
    assert.equal(await flakeSettings('{ nixConfig.x = builtins.readFile <private/private>; }'), null);
  } finally {
    if (before === undefined) delete process.env.NIX_PATH;
    else process.env.NIX_PATH = before;
    await rm(folder, { recursive: true, force: true });
  }
});

test('a token in nixConfig is not part of what is told about it', () =>
  withEvaluator({ hosts: [{ name: 'a' }], nixConfig: 'access-tokens = "forge=swordfish";' }, async ({ list }) => {
    assert.deepEqual((await list()).ignoredNixConfig, ['access-tokens = …']);
  }));

test('a flake that does not parse is refused with Nix’s message and the line', () =>
  withEvaluator({ hosts: HOSTS }, async ({ fleet, list }) => {
    await fleet.pushToMain({ 'flake.nix': '{\n  outputs = { self }: {\n    a = ;\n  };\n}\n' });
    const error = await failure(list(), 'FlakeDoesNotParse');
    assert.match(
      error.message,
      /^flake\.nix at commit [0-9a-f]{12} does not parse: syntax error, unexpected ';'.*flake\.nix:3:9/,
    );
  }));

test('a lock that is damaged, or lacks an input of the flake, is refused with the way out', () =>
  withEvaluator({ hosts: HOSTS }, async ({ fleet, list }) => {
    await fleet.pushToMain({ 'flake.lock': '{ "nodes": ' });
    assert.match((await failure(list(), 'LockUnreadable')).message, /cut off/);
    const text = await readFile(path.join(fleet.checkout, 'flake.nix'), 'utf8');
    const more = text.replace('inputs = {', `inputs = { gamma.url = "git+file://${fleet.inputs.alpha ?? ''}";`);
    const lock = await readFile(path.join(fleet.checkout, 'flake.lock'), 'utf8');
    await fleet.pushToMain({ 'flake.nix': more, 'flake.lock': lock });
    assert.match((await failure(list(), 'LockUnreadable')).message, /Run `nix flake lock`/);
  }));

test('a flake without hosts, and a folder without a flake, are refused by name', () =>
  withEvaluator({ hosts: HOSTS }, async ({ fleet, repository, list }) => {
    await failure(list({ repository: { ...repository, dir: 'nowhere' } }), 'NoFlake');
    await fleet.pushToMain({ 'flake.nix': '{ outputs = _: { packages = { }; }; }\n', 'flake.lock': NO_INPUTS });
    const { message } = await failure(list(), 'NoTargets');
    assert.match(message, /has no hosts: nixosConfigurations is missing or empty\. It has packages: choose them with/);
    const others = '{ outputs = _: { nixosConfigurations = { }; homeConfigurations = throw "x"; checks = { }; }; }\n';
    await fleet.pushToMain({ 'flake.nix': others });
    const kinds = /It has checks, homeConfigurations: choose them with --targets 'home:\*,check:\*'\.$/;
    assert.match((await failure(list(), 'NoTargets')).message, kinds);
    await fleet.pushToMain({ 'flake.nix': '{ outputs = _: { lib = { }; }; }\n' });
    assert.match((await failure(list(), 'NoTargets')).message, /It has lib: .* with --targets 'attr:PATH'\.$/);
  }));

test('targets of every kind are found by names alone, and a set that ends all evaluation hides no other', () =>
  withEvaluator({ hosts: [{ name: 'a' }] }, async ({ fleet, list }) => {
    const labels = async (...patterns: string[]): Promise<readonly string[]> =>
      (await list({ patterns })).targets.map(targetLabel);
    const outputs = (more: string): string => `{ outputs = _: {
      nixosConfigurations.a = throw "x";
      homeConfigurations = { "ann@home" = throw "x"; bob = abort "x"; };
      packages.x86_64-linux = { "a.b" = abort "x"; same = throw "x"; };
      checks.x86_64-linux = { same = null; };
      hydraJobs = { web.x86_64-linux = abort "x"; "x.y".x86_64-linux = abort "x"; };
      ${more}
    }; }\n`;
    await fleet.pushToMain({ 'flake.nix': outputs(''), 'flake.lock': NO_INPUTS });
    const all = ['a', 'home:*', 'package:*', 'check:*', 'attr:hydraJobs.*.x86_64-linux'];
    const found = [
      ...['a', 'home:ann@home', 'home:bob', 'package:x86_64-linux.a.b', 'package:x86_64-linux.same'],
      ...['check:x86_64-linux.same', 'attr:hydraJobs."x.y".x86_64-linux', 'attr:hydraJobs.web.x86_64-linux'],
    ];
    assert.deepEqual(await labels(...all), found);
    const { message } = await failure(list({ patterns: ['home:bobb', 'check:x86_64-linux.sama'] }), 'NoTargets');
    assert.match(
      message,
      /commit [0-9a-f]{12}: "home:bobb" matches nothing: homeConfigurations has ann@home, bob\. Did/,
    );
    assert.match(message, /Did you mean "bob"\? "check:x86_64-linux\.sama" matches nothing/);
    assert.match((await failure(list({ patterns: ['darwin:*'] }), 'NoTargets')).message, /the flake has checks, home/);

    for (const broken of ['throw "x"', 'abort "x"', '1 + ""', '5']) {
      await fleet.pushToMain({ 'flake.nix': outputs(`devShells = ${broken}; packages.a-b = ${broken};`) });
      assert.deepEqual(await labels(...all.slice(2), 'devShell:*'), [
        ...['package:a-b.*', ...found.slice(3, 6), 'devShell:*', ...found.slice(6)],
      ]);
    }
    await fleet.pushToMain({ 'flake.nix': '{ outputs = _: abort "x"; }\n' });
    assert.match((await failure(list({ patterns: all }), 'FlakeDoesNotParse')).message, /does not evaluate: .*'x'/);
  }));

test('a flake in a folder of its repository is listed there', () =>
  withEvaluator({ hosts: [{ name: 'a' }], dir: 'nix/hosts' }, async ({ list }) => {
    assert.deepEqual(names(await list()), ['a']);
  }));

test('a remote of an input that never answers is named while names of hosts are looked for, and is cut off', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'lockkeeper-slow-'));
  await writeFile(path.join(folder, 'file'), 'x\n');
  const server = await withTarball(t, folder);
  server.fallSilent();
  await withEvaluator({ hosts: [{ name: 'web' }] }, async ({ fleet, env, repository }) => {
    const source = { type: 'tarball', url: server.url };
    // What nobody has fetched before.
    const narHash = `sha256-${randomBytes(32).toString('base64')}`;
    const nodes = {
      slow: { flake: false, locked: { ...source, narHash }, original: source },
      root: { inputs: { slow: 'slow' } },
    };
    const base = await fleet.pushToMain({
      'flake.nix': `{ inputs.slow = { url = "${server.url}"; flake = false; }; outputs = { slow, ... }: import slow; }`,
      'flake.lock': JSON.stringify({ nodes, root: 'root', version: 7 }),
    });
    const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
    const waits: string[] = [];
    environment.on('heartbeat', (beat: WaitHeartbeat | null) => {
      if (beat !== null) waits.push(beat.waitsFor);
    });
    const input: ListTargetsInput = { repository, base, hosts: 'all', exclude: null, nix: PLAIN_NIX };
    await withVariables({ LOCKKEEPER_FETCH_SECONDS: '48' }, async () => {
      const began = Date.now();
      const { listTargets } = createLockActivities(env);
      const { message } = await failure(
        environment.run<[ListTargetsInput], TargetList, typeof listTargets>(listTargets, input),
        'NixFault',
        { retryable: true },
      );
      assert.match(
        message,
        /was not evaluated: something that it fetches was not fetched within 12 s.*LOCKKEEPER_FETCH_SECONDS/,
      );
      assert.ok(Date.now() - began < 30_000);
    });
    assert.ok(waits.includes('127.0.0.1 (slow)'), waits.join(', '));
  });
  await rm(folder, { recursive: true });
});
