import assert from 'node:assert/strict';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MockActivityEnvironment } from '@temporalio/testing';
import { exists } from '../../host/files.js';
import { createBuildTarget } from '../../activities/nix/build/build-target.js';
import { createEvaluateTarget } from '../../activities/nix/evaluate/evaluate-target.js';
import { run } from '../../activities/command/process.js';
import type { BuildTargetInput, EvaluateTargetInput } from '../../model/contract/verification.js';
import type { Evaluation, Verdict } from '../../model/verify/verdict.js';
import { changedBy, WITH_SHELL } from '../support/agent.js';
import { commitFiles, git } from '../support/git.js';
import { noPrivateNix, runPrivately } from '../support/private-nix.js';
import { otherNixes } from '../support/tools.js';
import { withPlace, type Place } from '../support/repository.js';

const NIX = { options: [WITH_SHELL, ['substituters', '']], impure: false, acceptFlakeConfig: false } as const;

/** A flake whose only host is this derivation, or what its builder does. */
const flake = (body: string): string => `{
  outputs = _: {
    nixosConfigurations.athena.config.system.build.toplevel = derivation ({
      name = "athena";
      system = "x86_64-linux";
      builder = "/bin/sh";
      PATH = "/usr/bin:/bin";
    } // (${body}));
  };
}
`;

/** Evaluates and builds what an agent made of a host. */
async function verified(
  place: Place,
  body: string,
  more: Partial<EvaluateTargetInput> = {},
): Promise<{ readonly verdict: Verdict; readonly logs: string }> {
  const input: EvaluateTargetInput = {
    run: 'run-1',
    repository: place.repository,
    candidate: await changedBy(place, { 'flake.nix': flake(body) }),
    target: { kind: 'nixos', name: 'athena' },
    nix: NIX,
    ...more,
  };
  const evaluate = createEvaluateTarget(place.env);
  const evaluation = await new MockActivityEnvironment().run<[EvaluateTargetInput], Evaluation, typeof evaluate>(
    evaluate,
    input,
  );
  if (evaluation.kind === 'failed') return { verdict: evaluation.verdict, logs: await allLogs(place) };
  const build = createBuildTarget(place.env);
  const verdict = await new MockActivityEnvironment().run<[BuildTargetInput], Verdict, typeof build>(build, {
    ...input,
    evaluation,
    takeoverSeconds: 60,
  });
  return { verdict, logs: await allLogs(place) };
}

async function allLogs({ env }: Place): Promise<string> {
  const names = await readdir(env.state.builds, { recursive: true }).catch(() => []);
  const logs = names.filter((name) => name.endsWith('log'));
  return (await Promise.all(logs.map((name) => readFile(path.join(env.state.builds, name), 'utf8')))).join('\n');
}

/** Why Nix cannot build in a sandbox here; `false` when it can. */
async function noSandbox(): Promise<string | false> {
  const tried = await run('nix-build', [
    ...['--no-out-link', '--option', 'sandbox', 'true', '--option', 'sandbox-fallback', 'false'],
    ...['--option', ...WITH_SHELL, '--option', 'substituters', ''],
    '--expr',
    `derivation { name = "apart-${process.pid}"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo > $out" ]; }`,
  ]);
  return tried.exitCode === 0 ? false : `Nix cannot build in a sandbox here: ${tried.stderr.slice(-300)}`;
}

const skip = await noSandbox();

test(
  'a builder that an agent wrote reads, writes and reaches nothing of the machine, whatever it says of itself',
  { skip },
  () =>
    withPlace(async (place) => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      try {
        const { port } = server.address() as AddressInfo;
        await writeFile(path.join(place.root, 'secret'), 'SECRET\n');
        const script = [
          `cat ${place.root}/secret`,
          `echo in > ${place.root}/written`,
          `echo > /dev/tcp/127.0.0.1/${port} && echo REACHED`,
          'id -u; echo > $out',
        ].join('; ');
        const body = `{ builder = "/usr/bin/bash"; args = [ "-c" "${script.replace('$out', '\\$out')}" ]; }`;
        const { verdict, logs } = await verified(place, body);
        assert.equal(verdict.verdict, 'built', verdict.error ?? '');
        assert.doesNotMatch(logs, /SECRET|REACHED/);
        assert.equal(await exists(path.join(place.root, 'written')), false);

        const open = await verified(place, `{ __noChroot = true; args = [ "-c" "echo > $out" ]; }`, { run: 'run-2' });
        assert.equal(open.verdict.verdict, 'build-failed');
        assert.match(open.verdict.error ?? '', /__noChroot/);
      } finally {
        server.close();
      }
    }),
);

/** Of agents that have the network of the machine themselves. */
const WITH_NETWORK = { network: 'host', nixDaemon: false, secretFiles: [] } as const;

/** A derivation with a fixed output that knocks at a port of this machine. */
const knocking = (port: number, expected = 'x', more = ''): string => `{
  name = "knocks-${process.pid}-${port}"; builder = "/usr/bin/bash";
  outputHashMode = "flat"; outputHashAlgo = "sha256"; outputHash = builtins.hashString "sha256" "${expected}";
  args = [ "-c" "echo > /dev/tcp/127.0.0.1/${port} && echo REACHED; printf x > $out" ]; ${more}
}`;

test(
  'a builder with a fixed output that an agent wrote is not started, because it reaches ports of this machine',
  { skip },
  () =>
    withPlace(async (place) => {
      let knocks = 0;
      const server = createServer(() => (knocks += 1));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      try {
        const { port } = server.address() as AddressInfo;
        const inEvaluation = `{ args = [ "-c" "echo \${builtins.readFile (derivation ({ system = "x86_64-linux"; } // ${knocking(port)}))}; echo > $out" ]; }`;
        for (const [run, body, why] of [
          [
            'run-1',
            knocking(port),
            /and it would fetch knocks-\S+ in a way of its own.*--autofix-network host lets it/,
          ],
          ['run-2', inEvaluation, /was not evaluated on .* and its evaluation needs a build/],
        ] as const) {
          const { verdict } = await verified(place, body, { run });
          assert.equal(verdict.verdict, 'skipped', verdict.error ?? '');
          assert.equal(verdict.needsApproval, true);
          assert.match(verdict.error ?? '', why);
        }
        assert.equal(knocks, 0);
        // What it would have done, and does where the owner lets it.
        const { verdict, logs } = await verified(place, knocking(port), { run: 'run-3', agentRights: WITH_NETWORK });
        assert.equal(verdict.verdict, 'built', verdict.error ?? '');
        assert.match(logs, /REACHED/);
        assert.equal(knocks, 1);
      } finally {
        server.close();
      }
    }),
);

test('an agent may say what content a fetch of the flake has, and change nothing else of it', { skip }, () =>
  withPlace(async (place) => {
    const base = await commitFiles(place.checkout, { 'flake.nix': flake(knocking(9, 'another')) }, 'A fetch');
    await git(place.checkout, 'push', '--quiet', 'origin', 'HEAD:main');
    const there = { ...place, base };
    const otherwise = await verified(there, knocking(9, 'x', 'more = "y";'));
    assert.equal(otherwise.verdict.verdict, 'skipped', otherwise.verdict.error ?? '');
    const { verdict } = await verified(there, knocking(9, 'x'), { run: 'run-2' });
    assert.equal(verdict.verdict, 'built', verdict.error ?? '');
  }),
);

test('a builder with a fixed output that an agent wrote is given no variable of the worker', { skip }, async () => {
  process.env.WORKERS_OWN = 'VALUE-OF-THE-WORKER';
  try {
    await withPlace(async (place) => {
      const body = `{
        impureEnvVars = [ "WORKERS_OWN" ];
        outputHashMode = "flat"; outputHashAlgo = "sha256"; outputHash = builtins.hashString "sha256" "x";
        args = [ "-c" "echo it is $WORKERS_OWN; printf x > $out" ];
      }`;
      // Everybody's output of this hash is there once it was built: the name is this test's own.
      const own = `(${body} // { name = "athena-${process.pid}"; })`;
      const { verdict, logs } = await verified(place, own, { agentRights: WITH_NETWORK });
      assert.equal(verdict.verdict, 'built', verdict.error ?? '');
      assert.match(logs, /it is ?$/m);
      assert.ok(!logs.includes('VALUE-OF-THE-WORKER'), logs);
    });
  } finally {
    delete process.env.WORKERS_OWN;
  }
});

test(
  'what an agent changed is evaluated without sight of the machine, also where the run lets evaluation see it',
  { skip },
  () =>
    withPlace(async (place) => {
      await writeFile(path.join(place.root, 'secret'), 'SECRET');
      const nix = { ...NIX, impure: true };
      const body = `{ args = [ "-c" "echo \${builtins.readFile ${place.root}/secret}; echo > $out" ]; }`;
      const { verdict } = await verified(place, body, { nix });
      assert.equal(verdict.verdict, 'evaluation-failed');
      assert.match(verdict.error ?? '', /\(what an agent changed is evaluated without --impure\)$/);
      assert.ok(!JSON.stringify(verdict).includes('SECRET'));
      const native = `{ args = [ "-c" (builtins.exec [ "/bin/sh" "-c" "echo '\\"x\\"'" ]) ]; }`;
      const options = [...NIX.options, ['allow-unsafe-native-code-during-evaluation', 'true']] as const;
      const exec = await verified(place, native, { nix: { ...nix, options }, run: 'run-2' });
      assert.match(exec.verdict.error ?? '', /attribute 'exec' missing/);
      // Once a person has approved it, it is what every other candidate is.
      const approved = await verified(place, body, { nix, run: 'run-3', approved: true });
      assert.equal(approved.verdict.verdict, 'built', approved.verdict.error ?? '');
    }),
);

/** Played by `test/run/nix-daemon.test.ts`. */
const noDaemon = process.env.NIX_REMOTE === 'daemon' ? false : 'only through a daemon that builds without a sandbox';

test('no builder that an agent wrote is run by a daemon without a sandbox', { skip: noDaemon }, () =>
  withPlace(async (place) => {
    const nix = { ...NIX, options: [] };
    const ran = path.join(tmpdir(), `ran-${process.pid}`);
    const body = `{ args = [ "-c" "echo > ${ran}; echo > $out" ]; }`;
    const { verdict } = await verified(place, body, { nix });
    assert.equal(verdict.verdict, 'skipped');
    assert.match(verdict.error ?? '', /Nix builds without its sandbox there: set sandbox = true in its nix\.conf/);
    // Evaluation builds as well, where it imports what is built.
    const inEvaluation = `{ args = [ "-c" (import (derivation {
      name = "file"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo > ${ran}; echo 1 > $out" ];
    })) ]; }`;
    await verified(place, inEvaluation, { nix, run: 'run-2' });
    assert.equal(await exists(ran), false);

    for (const [run, more] of [
      ['run-3', { nix, approved: true }],
      ['run-4', { nix: { ...nix, options: [['sandbox', 'false']] } }],
    ] as const) {
      const allowed = await verified(place, body.replaceAll('echo >', `echo ${run} >`), { ...more, run });
      assert.equal(allowed.verdict.verdict, 'built', allowed.verdict.error ?? '');
      assert.match(await readFile(ran, 'utf8'), new RegExp(`^${run}$`, 'm'));
    }
  }),
);

if (process.env.MACHINE_PATH === undefined) {
  const otherwise = skip === false ? await noPrivateNix() : skip;
  for (const { name, binDir } of otherNixes().slice(-1))
    test(`what an agent changed is evaluated and built in the same way on ${name}`, { skip: otherwise }, async () => {
      const finished = await runPrivately({ binDir }, fileURLToPath(import.meta.url));
      assert.equal(finished.exitCode, 0, finished.stdout + finished.stderr);
      assert.match(finished.stdout, /^\S+ pass 5$/m);
    });
}
