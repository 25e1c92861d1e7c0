import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import { exists } from '../../host/files.js';
import { createRunGate } from '../../activities/gate/run-gate.js';
import { missingForNetwork } from '../../activities/sandbox/network.js';
import { canSandbox } from '../../activities/sandbox/sandbox.js';
import { run } from '../../activities/command/process.js';
import type { GateInput } from '../../model/contract/verification.js';
import type { AgentRights } from '../../model/sandbox/sandbox.js';
import type { GateCheck } from '../../model/gates/gate.js';
import type { Verdict } from '../../model/verify/verdict.js';
import { changedBy, WITH_SHELL } from '../support/agent.js';
import { commitFiles, git } from '../support/git.js';
import { withPlace, type Place } from '../support/repository.js';
import { withStandIn } from '../support/stand-in.js';

/** The daemon of an ordinary user takes no such setting; where it builds without a sandbox, that is the owner's to allow. */
const WAIVED =
  process.env.NIX_REMOTE === 'daemon' && !(process.env.NIX_CONFIG ?? '').startsWith('sandbox = true')
    ? ([['sandbox', 'false']] as const)
    : [];

const RIGHTS: AgentRights = { network: 'outside', nixDaemon: false, secretFiles: [] };

/** Runs a gate on what an agent changed at a place. */
async function gate(
  place: Place,
  check: GateCheck,
  files: Readonly<Record<string, string>>,
  {
    agentRights = RIGHTS,
    ...more
  }: Omit<Partial<GateInput>, 'agentRights'> & {
    readonly agentRights?: AgentRights | 'missing';
  } = {},
): Promise<Verdict> {
  const activity = createRunGate(place.env);
  const input: GateInput = {
    run: 'run-1',
    repository: place.repository,
    candidate: await changedBy(place, files),
    gate: { kind: 'gate', name: 'lint', check, timeoutSeconds: 60 },
    nix: { options: WAIVED, impure: false, acceptFlakeConfig: false },
    takeoverSeconds: 60,
    ...(agentRights === 'missing' ? {} : { agentRights }),
    ...more,
  };
  return await new MockActivityEnvironment().run<[GateInput], Verdict, typeof activity>(activity, input);
}

const SCRIPT = { kind: 'command', words: ['sh', './lint'] } as const;

async function cannot(context: TestContext): Promise<boolean> {
  const missing = (await canSandbox()) ? await missingForNetwork() : 'bubblewrap';
  if (missing !== null) context.skip(`${missing} is missing, or may not make namespaces here`);
  return missing !== null;
}

/** A script that tries what nobody but the worker's user may, and says what worked. */
const attack = (place: Place, port: number): string => `
cat '${place.root}/home/secret'
echo in > '${place.root}/written'
echo in > '${place.remote}/written'
node -e 'require("node:net").connect(${port}, "127.0.0.1").once("connect", () => { console.log("REACHED"); process.exit(); }).once("error", () => {})'
cat '${place.env.state.root}/key'
env | grep GITHUB_TOKEN
`;

test('a script that an agent wrote reads, writes and reaches nothing of the machine when a gate runs it', async (context) => {
  if (await cannot(context)) return;
  process.env.GITHUB_TOKEN = 'TOKEN-OF-THE-WORKER';
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await withPlace(async (place) => {
      await chmod(place.root, 0o755);
      await mkdir(path.join(place.root, 'home'));
      await mkdir(place.env.state.root, { recursive: true });
      await writeFile(path.join(place.root, 'home', 'secret'), 'SECRET\n');
      await writeFile(path.join(place.env.state.root, 'key'), 'KEY\n');
      const { port } = server.address() as AddressInfo;
      const lint = `${attack(place, port)}\nid -u; exit 0\n`;
      const { verdict, error, logPath } = await gate(place, SCRIPT, { lint });
      const log = await readFile(logPath ?? '', 'utf8');
      assert.equal(verdict, 'built', error ?? '');
      assert.doesNotMatch(log, /^(?:SECRET|REACHED|KEY|.*TOKEN-OF-THE-WORKER)$/m);
      for (const folder of [place.root, place.remote])
        assert.equal(await exists(path.join(folder, 'written')), false, folder);
      if (process.getuid?.() === 0) assert.match(log, /^65534$/m);

      // As on every other candidate, once a person has approved it.
      const approved = await gate(place, SCRIPT, { lint }, { run: 'run-2', approved: true });
      assert.equal(approved.verdict, 'built', approved.error ?? '');
      assert.match(await readFile(approved.logPath ?? '', 'utf8'), /^SECRET\n[^]*^REACHED$/m);
    });
  } finally {
    server.close();
    delete process.env.GITHUB_TOKEN;
  }
});

test('a gate in the sandbox of an agent is judged as one outside: by its status, and by what it changes', async (context) => {
  if (await cannot(context)) return;
  await withPlace(async (place) => {
    const failed = await gate(place, SCRIPT, { lint: 'echo "error: found a TODO" >&2; exit 3\n' });
    assert.deepEqual([failed.verdict, failed.error], ['build-failed', 'status 3: found a TODO']);
    const changed = await gate(place, SCRIPT, { lint: 'echo "# more" >> flake.nix; touch beside\n' });
    assert.deepEqual([changed.verdict, changed.error], ['build-failed', 'it changes a file: flake.nix']);
    assert.match(changed.logTail ?? '', /\+# more/);
    const hung = await gate(
      place,
      SCRIPT,
      { lint: 'sleep 60\n' },
      { gate: { kind: 'gate', name: 'lint', check: SCRIPT, timeoutSeconds: 2 } },
    );
    assert.equal(hung.verdict, 'timed-out');
    const missing = await gate(place, { kind: 'command', words: ['no-such-lint'] }, { lint: '' });
    assert.deepEqual([missing.verdict, missing.needsApproval], ['skipped', undefined]);
  });
});

test('settings that a gate leaves in its repository run nothing in the worker', async (context) => {
  if (await cannot(context)) return;
  await withPlace(async (place) => {
    const ran = path.join(place.root, 'ran');
    const lint = [
      `git config core.fsmonitor "touch ${ran}"`,
      `git config filter.evil.clean "touch ${ran}; cat"`,
      "echo '* filter=evil' > .git/info/attributes",
      'rm -rf hosts; git init -q hosts',
      `git -C hosts config core.fsmonitor "touch ${ran}"`,
      'chmod 0 flake.nix',
    ].join('\n');
    const { verdict, error } = await gate(place, SCRIPT, { lint, 'hosts/athena.nix': '{ }\n' });
    assert.deepEqual([verdict, error], ['build-failed', 'it changes a file: hosts/athena.nix']);
    assert.equal(await exists(ran), false);
  });
});

test('where no sandbox can be had a gate does not run what an agent wrote, and asks for an approval', () =>
  // As where the kernel allows no namespaces.
  withStandIn('bwrap', 'exit 1', () =>
    withPlace(async (place) => {
      const ran = path.join(place.root, 'ran');
      const lint = `touch '${ran}'\n`;
      const { verdict, error, needsApproval } = await gate(place, SCRIPT, { lint });
      assert.equal(verdict, 'skipped');
      assert.match(
        error ?? '',
        /^did not run on test, because the update holds an agent's change, and .*install bubblewrap/,
      );
      assert.equal(needsApproval, true);
      assert.equal(await exists(ran), false);
      // Of a run that began under an earlier version.
      const older = await gate(place, SCRIPT, { lint }, { run: 'run-2', agentRights: 'missing' });
      assert.equal(older.needsApproval, true);
      const approved = await gate(place, SCRIPT, { lint }, { approved: true });
      assert.equal(approved.verdict, 'built', approved.error ?? '');
      assert.equal(await exists(ran), true);
    }),
  ));

test('where its network cannot be made a gate does not run what an agent wrote', async (context) => {
  if (await cannot(context)) return;
  await withStandIn('slirp4netns', '[ "$1" = --version ] || { echo "no tap device" >&2; exit 1; }', () =>
    withPlace(async (place) => {
      const { verdict, error, needsApproval } = await gate(place, SCRIPT, { lint: 'echo ran\n' });
      assert.deepEqual([verdict, needsApproval], ['skipped', true]);
      assert.match(error ?? '', /slirp4netns cannot be made \(no tap device\)$/);
    }),
  );
});

/** A flake whose formatter is its own script, with an input that nobody in a sandbox reaches. */
const flake = (input: string): string => `{
  inputs.private.url = "git+file://${input}";
  outputs = { self, private }: let
    build = name: script: derivation {
      inherit name;
      system = "x86_64-linux";
      builder = "/bin/sh";
      PATH = "/usr/bin:/bin";
      args = [ "-c" script ];
    };
  in {
    formatter.x86_64-linux = build "fmt" "mkdir -p $out/bin; cp \${./format.sh} $out/bin/fmt; chmod 755 $out/bin/fmt";
    version = toString private.lib.version;
    checks.x86_64-linux.version = build "version" "echo \${toString private.lib.version} > $out";
  };
}
`;

test('the flake’s formatter and checks of what an agent changed have the flake and its inputs, and nothing else', async (context) => {
  if (await cannot(context)) return;
  await withPlace(async (place) => {
    await chmod(place.root, 0o755);
    const written = path.join(place.root, 'written');
    const input = path.join(place.root, 'private');
    await git(place.root, 'init', '--quiet', '--initial-branch=main', input);
    await commitFiles(input, { 'flake.nix': '{ outputs = _: { lib.version = 1; }; }\n' }, 'First');
    const { checkout } = place;
    await commitFiles(checkout, { 'flake.nix': flake(input), 'format.sh': '#!/bin/sh\n' }, 'Formatter');
    const locked = await run('nix', ['--extra-experimental-features', 'nix-command flakes', 'flake', 'lock'], {
      cwd: checkout,
    });
    assert.equal(locked.exitCode, 0, locked.stderr);
    const base = await commitFiles(checkout, {}, 'Lock');
    await git(checkout, 'push', '--quiet', 'origin', 'main');
    const based = { ...place, base };
    const nix = { options: [WITH_SHELL, ['substituters', '']] as const, impure: false, acceptFlakeConfig: false };
    const change = { 'format.sh': `#!/bin/sh\ntouch '${written}'; echo "# $*" >> flake.nix\n` };
    const fmt = await gate(based, { kind: 'preset', preset: 'fmt' }, change, { nix });
    assert.deepEqual([fmt.verdict, fmt.error], ['build-failed', 'it changes a file: flake.nix'], fmt.logTail ?? '');
    assert.equal(await exists(written), false);
    const check = await gate(based, { kind: 'preset', preset: 'flake-check' }, change, { nix, run: 'run-2' });
    assert.equal(check.verdict, 'built', check.error ?? '');
    // A check that would fetch is not started before a person has approved it: it reaches this machine's ports.
    const fetches =
      'outputHashMode = "flat"; outputHashAlgo = "sha256"; outputHash = "${builtins.hashString "sha256" "x"}";';
    const fetching = flake(input)
      .replace('inherit name;', `inherit name; ${fetches}`)
      // Nix looks there first for what is asked for as #checks.SYSTEM.
      .replace('checks.x', 'legacyPackages.x86_64-linux.checks.x86_64-linux = { };\n    checks.x')
      .replaceAll('"version" "', `"version-${process.pid}" "`);
    for (const preset of ['flake-check', 'fmt'] as const) {
      const refused = await gate(
        based,
        { kind: 'preset', preset },
        { 'flake.nix': fetching },
        { nix, run: `run-${preset}` },
      );
      assert.deepEqual([refused.verdict, refused.needsApproval], ['skipped', true], refused.error ?? '');
      assert.match(refused.error ?? '', /would fetch (?:version|fmt)\S* in a way of its own/);
    }
    const own = { kind: 'command', words: ['nix', 'eval', '--raw', '.#version'] } as const;
    const evaluated = await gate(based, own, change, { nix, run: 'run-3' });
    assert.equal(evaluated.verdict, 'built', evaluated.logTail ?? '');
  });
});
