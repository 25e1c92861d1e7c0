import assert from 'node:assert/strict';
import { access, mkdir, readFile, readdir, readlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CancelledFailure } from '@temporalio/common';
import { releaseEvaluations } from '../../activities/nix/evaluate/evaluations.js';
import { atLeast } from '../../model/nix/version.js';
import { nixVersion } from '../../activities/nix/version.js';
import { recordDirectory } from '../../model/machine/record-directory.js';
import { run } from '../../activities/command/process.js';
import type { EvaluateHeartbeat } from '../../model/contract/verification.js';
import type { Candidate } from '../../model/verify/candidate.js';
import type { Evaluation } from '../../model/verify/verdict.js';
import { PLAIN_NIX, withEvaluator, type Evaluator } from '../support/evaluator.js';
import { commitFiles, git } from '../support/git.js';
import { withStandIn } from '../support/stand-in.js';

const NO_INPUTS = '{"nodes":{"root":{}},"root":"root","version":7}\n';

type Evaluated = Extract<Evaluation, { kind: 'evaluated' }>;

function evaluated(evaluation: Evaluation): Evaluated {
  if (evaluation.kind === 'failed') assert.fail(evaluation.verdict.logTail ?? 'failed');
  return evaluation;
}

/** A candidate with the lock updated. */
async function updated({ update }: Evaluator): Promise<Candidate> {
  const lock = await update();
  assert.equal(lock.kind, 'updated');
  return lock.draft;
}

const onMain = async ({ main }: Evaluator): Promise<Candidate> => {
  const commit = await main();
  return { base: commit, head: commit, bundle: '' };
};

test('a host gives its derivation, its output and the system that decides who builds it', () =>
  withEvaluator(
    { hosts: [{ name: 'web.example' }, { name: 'ann@arm', system: 'aarch64-linux' }] },
    async (evaluator) => {
      const candidate = await onMain(evaluator);
      const web = evaluated(await evaluator.evaluate(candidate, 'web.example'));
      assert.match(web.drvPath, /^\/nix\/store\/[a-z0-9]{32}-nixos-system-web\.example\.drv$/);
      assert.match(web.outPath, /^\/nix\/store\/[a-z0-9]{32}-nixos-system-web\.example$/);
      assert.deepEqual([web.system, web.machine], ['x86_64-linux', 'test-machine']);
      assert.equal(await evaluator.same(candidate, 'web.example'), true);
      const arm = evaluated(await evaluator.evaluate(candidate, 'ann@arm'));
      assert.equal(arm.system, 'aarch64-linux');
    },
  ));

test('a candidate is evaluated out of its bundle on a machine that never saw it', () =>
  withEvaluator({ hosts: [{ name: 'a' }, { name: 'b', input: 'beta' }] }, async (evaluator) => {
    await evaluator.fleet.moveInput('alpha');
    const candidate = await updated(evaluator);
    const { state } = evaluator.env;
    await run('rm', ['-rf', '--', state.mirrors, state.evaluations]);
    assert.equal(await evaluator.same(candidate, 'a'), false);
    assert.equal(await evaluator.same(candidate, 'b'), true);
  }));

test('a file that a Git filter decrypts in checkouts is named where a host does not evaluate because of it', () =>
  withEvaluator({ hosts: [{ name: 'a' }, { name: 'bad', fail: 'eval' }] }, async (evaluator) => {
    const { fleet } = evaluator;
    const encrypted = String.raw`sh -c 'printf "\000GITCRYPT\000"; gzip -n'`;
    await git(fleet.checkout, 'config', 'filter.git-crypt.clean', encrypted);
    await git(fleet.checkout, 'config', 'filter.git-crypt.smudge', String.raw`sh -c 'tail -c +11 | gunzip'`);
    const flake = await readFile(path.join(fleet.checkout, 'flake.nix'), 'utf8');
    await commitFiles(
      fleet.checkout,
      {
        '.gitattributes': '*.nix filter=git-crypt\nflake.nix !filter\nlarge.bin filter=lfs\n',
        'hosts/secret.nix': '"secret"\n',
        'flake.nix': flake
          .replace(/^(\s*package = build \{)/m, 'secret = import ./hosts/secret.nix;\n$1')
          .replace('version = toString version;', 'version = if name == "a" then secret else toString version;'),
      },
      'A secret',
    );
    await git(fleet.checkout, 'push', '--quiet', 'origin', 'main');
    const candidate = await onMain(evaluator);
    const found = await evaluator.evaluate(candidate, 'a');
    assert.equal(found.kind, 'failed');
    assert.match(
      found.verdict.error ?? '',
      / \(hosts\/secret\.nix is behind the Git filter git-crypt, which decrypts only in checkouts: Nix and Lockkeeper read/,
    );
    const other = await evaluator.evaluate(candidate, 'bad');
    assert.equal(other.kind === 'failed' ? other.verdict.error : null, "the option 'services.bad' does not exist");
  }));

test('a host that does not evaluate is a verdict with the error, the end of the log and the whole of it', () =>
  withEvaluator({ hosts: [{ name: 'a' }, { name: 'bad', fail: 'eval-after-move' }] }, async (evaluator) => {
    await evaluator.fleet.moveInput('alpha');
    const candidate = await updated(evaluator);
    const found = await evaluator.evaluate(candidate, 'bad');
    assert.equal(found.kind, 'failed');
    const { verdict } = found;
    assert.equal(verdict.verdict, 'evaluation-failed');
    assert.equal(verdict.error, "the option 'services.bad' does not exist");
    assert.deepEqual([verdict.failedDrv, verdict.system, verdict.sameAsBase], [null, null, null]);
    const directory = recordDirectory(evaluator.env.state, 'run-1', candidate.head, { kind: 'nixos', name: 'bad' });
    assert.equal(verdict.logPath, path.join(directory, 'evaluation.log'));
    assert.match(await readFile(verdict.logPath, 'utf8'), /services\.bad/);
    assert.match(verdict.logTail ?? '', /error:.*services\.bad/s);
    assert.equal((await evaluator.evaluate(candidate, 'a')).kind, 'evaluated');
  }));

/** Has the store lose a derivation in the moment in which it is rooted. */
const ROOT_AND_COLLECT = `
root=$(nix-instantiate "$@") && drv=$(readlink "$root") && rm "$root" || exit
nix-store --delete "$drv" >&2 && ln -s "$drv" "$root" && echo "$root"
`;

test('a derivation that the store lost while it was rooted is a fault of the machine, and the next attempt finds it', () =>
  withEvaluator({ hosts: [{ name: 'a' }] }, async (evaluator) => {
    const candidate = await onMain(evaluator);
    await withStandIn('nix-instantiate', ROOT_AND_COLLECT, async () => {
      await assert.rejects(evaluator.evaluate(candidate, 'a'), /the store lost the derivation meanwhile/);
    });
    assert.equal((await evaluator.evaluate(candidate, 'a', {}, 2)).kind, 'evaluated');
  }));

/** As Nix 2.26 and newer write it. Older ones want a hash of the folder, and take the lock for one that may change. */
const RELATIVE_LOCK = JSON.stringify({
  nodes: {
    part: {
      locked: { path: './part', type: 'path' },
      original: { path: './part', type: 'path' },
      parent: [],
    },
    root: { inputs: { part: 'part' } },
  },
  root: 'root',
  version: 7,
});
const nix = await nixVersion();

test(
  'a lock that this Nix cannot read is an error that names both versions, and no verdict',
  { skip: atLeast(nix, 2, 26) && `${nix.text} reads the locks of every version` },
  () =>
    withEvaluator({ hosts: [{ name: 'a' }] }, async (evaluator) => {
      await evaluator.fleet.pushToMain({
        'flake.nix': '{ inputs.part.url = "path:./part"; outputs = { part, ... }: part; }',
        'part/flake.nix':
          '{ outputs = _: { nixosConfigurations.a.config.system.build.toplevel = derivation { name = "a"; builder = "x"; system = "y"; }; }; }',
      });
      const written = await evaluator.candidate('flake.lock', RELATIVE_LOCK);
      const refused = evaluator.evaluate({ ...written, lockedBy: 'nix (Nix) 2.34.8' }, 'a');
      await assert.rejects(refused, (error: Error & { readonly type?: string; readonly nonRetryable?: boolean }) => {
        assert.deepEqual([error.type, error.nonRetryable], ['LockUnreadable', true]);
        assert.ok(error.message.startsWith(`${nix.text} on `), error.message);
        assert.match(error.message, /cannot read the flake\.lock of commit .*, which nix \(Nix\) 2\.34\.8 wrote/);
        return true;
      });
      // Written by the same Nix, it is the flake that is at fault.
      const same = await evaluator.evaluate({ ...written, lockedBy: nix.text }, 'a');
      assert.equal(same.kind, 'failed');
    }),
);

test('hosts that abort, have no system, or one that is no derivation are verdicts too', () =>
  withEvaluator({ hosts: [{ name: 'a' }] }, async (evaluator) => {
    const flake = `{ outputs = _: { nixosConfigurations = {
      aborts.config.system.build.toplevel = abort "stop here";
      none = { };
      text.config.system.build.toplevel = "text";
      list.config.system.build.toplevel = [ ];
      deep.config.system.build.toplevel = let f = x: f (x + 1) + 1; in f 0;
    }; }; }\n`;
    await evaluator.fleet.pushToMain({
      'flake.nix': flake,
      'flake.lock': NO_INPUTS,
    });
    const candidate = await onMain(evaluator);
    const errors: Record<string, RegExp> = {
      aborts: /stop here/,
      none: /attribute 'config' missing/,
      text: /not a derivation/,
      list: /not a derivation/,
      deep: /stack overflow|max-call-depth|infinite recursion/,
      gone: /attribute 'gone' missing/,
    };
    for (const [host, error] of Object.entries(errors)) {
      const found = await evaluator.evaluate(candidate, host);
      assert.equal(found.kind, 'failed', host);
      assert.match(found.verdict.error ?? '', error);
    }
  }));

test('a host that base could not evaluate differs from base', () =>
  withEvaluator({ hosts: [{ name: 'a', fail: 'eval' }] }, async (evaluator) => {
    const text = await git(evaluator.fleet.remote, 'show', 'main:flake.nix');
    const candidate = await evaluator.candidate('flake.nix', `${text.replace('fail = "eval"', 'fail = "never"')}\n`);
    assert.equal(await evaluator.same(candidate, 'a'), false);
    assert.equal(await evaluator.same(candidate, 'a'), false);
  }));

test('systems that hold self.rev are the same as on base when nothing else moved', () =>
  withEvaluator({ hosts: [{ name: 'a' }, { name: 'b', input: 'beta' }], selfRev: true }, async (evaluator) => {
    await evaluator.fleet.moveInput('beta');
    const candidate = await updated(evaluator);
    const a = evaluated(await evaluator.evaluate(candidate, 'a'));
    const before = evaluated(await evaluator.evaluate(await onMain(evaluator), 'a'));
    assert.notEqual(a.drvPath, before.drvPath);
    assert.equal(await evaluator.same(candidate, 'a'), true);
    assert.equal(await evaluator.same(candidate, 'b'), false);
  }));

test('short revisions, dates and inputs below them are left out of the comparison; changes beside them are not', () =>
  withEvaluator({ hosts: [{ name: 'a' }] }, async (evaluator) => {
    const flake = (more: string): string => `{ outputs = { self }: let
      d = name: attrs: derivation ({ inherit name; system = "x86_64-linux"; builder = "/bin/sh"; } // attrs);
      day = builtins.substring 0 8 self.lastModifiedDate;
      etc = d "etc-\${self.shortRev}" { text = "\${self.rev} \${toString self.lastModified} \${self.lastModifiedDate}"; };
      unit = d "unit" { inherit etc; };
      system = extra: { config.system.build.toplevel = d "system-25.05.\${day}.\${self.shortRev}" ({ args = [ "-c" "\${unit}/x \${etc}" ]; } // extra); };
    in { nixosConfigurations = { same = system { }; other = system { ${more} }; source = system { src = "\${self}"; }; }; }; }\n`;
    await evaluator.fleet.pushToMain({
      'flake.nix': flake(''),
      'flake.lock': NO_INPUTS,
    });
    const candidate = await evaluator.candidate('flake.nix', flake('x = "1";'));
    const same = (host: string): Promise<boolean | null> => evaluator.same(candidate, host);
    assert.equal(await same('same'), true);
    assert.equal(await same('other'), false);
    assert.equal(await same('source'), false);
  }));

test('a commit’s target is evaluated once: by runs one after the other, and by activities at the same time', () =>
  withEvaluator({ hosts: [{ name: 'a' }] }, async (evaluator) => {
    const { env, evaluate, main } = evaluator;
    const candidate = await onMain(evaluator);
    const [one, two] = await Promise.all([evaluate(candidate, 'a'), evaluate(candidate, 'a', { run: 'run-2' })]);
    assert.equal(evaluated(one).drvPath, evaluated(two).drvPath);
    const rootsOf = async (name: string): Promise<string[]> => readdir(path.join(env.state.evaluations, 'runs', name));
    assert.deepEqual(await rootsOf('run-2'), await rootsOf('run-1'));
    const [root] = await rootsOf('run-1');
    assert.equal(await readlink(path.join(env.state.evaluations, 'runs', 'run-1', root ?? '')), evaluated(one).drvPath);

    const [record] = await readdir(path.join(env.state.evaluations, 'commits'));
    assert.ok(record?.startsWith(await main()));
    const file = path.join(env.state.evaluations, 'commits', record ?? '');
    const known = JSON.parse(await readFile(file, 'utf8')) as object;
    await writeFile(file, JSON.stringify({ ...known, system: 'seen-again' }));
    assert.equal(evaluated(await evaluate(candidate, 'a', { run: 'run-3' })).system, 'seen-again');
    const options = { ...PLAIN_NIX, options: [['cores', '1']] as const };
    assert.equal(evaluated(await evaluate(candidate, 'a', { nix: options })).system, 'x86_64-linux');
  }));

test('what a run relies on is a root of the store until the run is over', () =>
  withEvaluator({ hosts: [{ name: 'a' }] }, async (evaluator) => {
    const candidate = await onMain(evaluator);
    const { drvPath } = evaluated(await evaluator.evaluate(candidate, 'a'));
    const isRooted = async (): Promise<boolean> =>
      (await run('nix-store', ['--query', '--roots', drvPath])).stdout.includes('/runs/run-1/');
    assert.ok(await isRooted());
    await releaseEvaluations(evaluator.env, 'run-1');
    assert.ok(!(await isRooted()));
    await releaseEvaluations(evaluator.env, 'run-1');

    await run('nix-store', ['--delete', drvPath]);
    await assert.rejects(access(drvPath));
    assert.equal(evaluated(await evaluator.evaluate(candidate, 'a')).drvPath, drvPath);
    await access(drvPath);
  }));

test('a flake’s own settings hold only when they are accepted', () =>
  withEvaluator({ hosts: [{ name: 'a' }] }, async (evaluator) => {
    const flake = `{
      nixConfig.allow-import-from-derivation = false;
      outputs = _: let
        d = attrs: derivation ({ name = "d"; system = "x86_64-linux"; builder = "/bin/sh"; allowSubstitutes = false; } // attrs);
        number = import (d { args = [ "-c" "echo 1 > $out" ]; });
      in { nixosConfigurations.a.config.system.build.toplevel = d { inherit number; }; };
    }\n`;
    await evaluator.fleet.pushToMain({ 'flake.nix': flake, 'flake.lock': NO_INPUTS });
    const candidate = await onMain(evaluator);
    assert.equal((await evaluator.evaluate(candidate, 'a')).kind, 'evaluated');
    const found = await evaluator.evaluate(candidate, 'a', { nix: { ...PLAIN_NIX, acceptFlakeConfig: true } });
    assert.equal(found.kind, 'failed');
    assert.match(found.verdict.error ?? '', /allow-import-from-derivation/);
  }));

test('a host that looks at its surroundings is evaluated only in a run that is impure', () =>
  withEvaluator({ hosts: [{ name: 'a' }] }, async (evaluator) => {
    const flake = `{ outputs = _: { nixosConfigurations.a.config.system.build.toplevel = derivation {
      name = "a"; system = builtins.currentSystem; builder = "/bin/sh"; }; }; }\n`;
    await evaluator.fleet.pushToMain({ 'flake.nix': flake, 'flake.lock': NO_INPUTS });
    const candidate = await onMain(evaluator);
    const pure = await evaluator.evaluate(candidate, 'a');
    assert.equal(pure.kind, 'failed');
    assert.match(pure.verdict.error ?? '', /currentSystem/);
    const impure = await evaluator.evaluate(candidate, 'a', { nix: { ...PLAIN_NIX, impure: true } });
    assert.equal(evaluated(impure).system, 'x86_64-linux');
  }));

test('a cancelled evaluation is ended at once, and heartbeats name the machine until then', () =>
  withEvaluator({ hosts: [{ name: 'a' }] }, async (evaluator) => {
    const flake = `{ outputs = _: { nixosConfigurations.slow.config.system.build.toplevel =
      let count = n: if n == 0 then 0 else builtins.foldl' (a: b: a + b) 0 (builtins.genList (x: count (n - 1)) 9); in count 12; }; }\n`;
    await evaluator.fleet.pushToMain({
      'flake.nix': flake,
      'flake.lock': NO_INPUTS,
    });
    const { evaluation, environment } = evaluator.start(await onMain(evaluator), 'slow');
    const beats: EvaluateHeartbeat[] = [];
    environment.on('heartbeat', (beat: EvaluateHeartbeat) => beats.push(beat));
    const ended = evaluation.then(
      () => assert.fail('it ended by itself'),
      (error: unknown) => error,
    );
    await sleep(1800);
    environment.cancel('CANCELLED');
    const started = Date.now();
    assert.ok((await ended) instanceof CancelledFailure);
    assert.ok(Date.now() - started < 3000);
    assert.ok(beats.length >= 1);
    assert.deepEqual([beats[0]?.machine, beats[0]?.phase], ['test-machine', 'evaluating']);
    const { stdout } = await run('ps', ['-eo', 'args']);
    assert.ok(!stdout.includes(`${evaluator.env.state.root}/evaluations`));
  }));

test('a base that the network keeps from being evaluated is tried again, and then nobody knows whether a host is the same', () =>
  withEvaluator({ hosts: [{ name: 'a' }] }, async (evaluator) => {
    const flake = (
      version: string,
    ): string => `{ outputs = _: { nixosConfigurations.a.config.system.build.toplevel = derivation {
      name = "d"; system = "x86_64-linux"; builder = "/bin/sh"; version = ${version}; }; }; }\n`;
    const unreachable = `(import (fetchTarball { url = "http://127.0.0.1:9/x.tar.gz"; sha256 = "${'0'.repeat(52)}"; }))`;
    await evaluator.fleet.pushToMain({ 'flake.nix': flake(unreachable), 'flake.lock': NO_INPUTS });
    const candidate = await evaluator.candidate('flake.nix', flake('"2"'));
    await assert.rejects(evaluator.same(candidate, 'a'), /cannot be reached/);
    assert.equal(await evaluator.same(candidate, 'a', 5), null);
    await assert.rejects(evaluator.same(candidate, 'a'), /cannot be reached/, 'it is not remembered as an answer');
  }));

test('a full disk is no verdict', { skip: process.getuid?.() !== 0 }, () =>
  withEvaluator({ hosts: [{ name: 'a' }] }, async (evaluator) => {
    const candidate = await onMain(evaluator);
    await evaluator.list();
    const full = path.join(evaluator.env.state.root, 'evaluations');
    await mkdir(full, { recursive: true });
    await run('mount', ['-t', 'tmpfs', '-o', 'nr_inodes=3', 'tmpfs', full]);
    try {
      await assert.rejects(evaluator.evaluate(candidate, 'a'), /No space left|ENOSPC/);
    } finally {
      await run('umount', [full]);
    }
  }),
);
