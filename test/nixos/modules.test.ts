import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run, type Finished } from '../../activities/command/process.js';

/** `nix flake check` is the whole check; here runs what needs no network: parsing, and evaluation if there is a nixpkgs. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** A folder with nixpkgs: `$LOCKKEEPER_NIXPKGS`, else `nixpkgs` on the NIX_PATH. */
async function findNixpkgs(): Promise<string | null> {
  const named = process.env.LOCKKEEPER_NIXPKGS ?? '';
  if (named !== '') return path.resolve(named);
  const expression = 'toString (builtins.findFile builtins.nixPath "nixpkgs")';
  const found = await run('nix-instantiate', ['--eval', '--json', '--expr', expression]);
  return found.exitCode === 0 ? (JSON.parse(found.stdout) as string) : null;
}

const nixpkgs = await findNixpkgs();
const unevaluated =
  nixpkgs === null
    ? 'no nixpkgs here, so the modules were not evaluated: set LOCKKEEPER_NIXPKGS, or run nix flake check'
    : false;
const unverified =
  (await run('systemd-analyze', ['--version'])).exitCode === 0
    ? false
    : 'no systemd-analyze here, so no unit was verified';

/**
 * The value of an expression below `{ nixpkgs, pkgs, checks, modules }`. Lockkeeper's own package stands aside: an old nixpkgs
 * cannot express it, and its place in the units is all that matters here.
 */
async function evaluate(expression: string): Promise<unknown> {
  const evaluated = await instantiate(expression);
  assert.equal(evaluated.exitCode, 0, evaluated.stderr);
  return JSON.parse(evaluated.stdout);
}

const instantiate = (expression: string): Promise<Finished> =>
  run('nix-instantiate', [
    ...['--eval', '--strict', '--json', '--argstr', 'path', nixpkgs ?? '', '--argstr', 'root', ROOT, '--expr'],
    `{ path, root }:
     let
       nixpkgs = { outPath = path; lib = import (path + "/lib"); };
       pkgs = import path { };
       package = pkgs.hello;
       modules = root + "nix/modules/";
       checks = import (root + "nix/checks") { inherit nixpkgs pkgs package; };
       host = import (root + "nix/checks/evaluate.nix") { inherit nixpkgs pkgs; };
     in ${expression}`,
  ]);

test('a host follows no branch by itself but the main one, which Lockkeeper moves', async () => {
  // As far as it takes no nixpkgs: only what the option says is looked at.
  const { exitCode, stdout, stderr } = await run('nix-instantiate', [
    ...['--eval', '--strict', '--json', '--argstr', 'root', ROOT, '--expr'],
    `{ root }:
     (import (root + "nix/modules/follow.nix") {
       config.services.lockkeeper.follow = { };
       lib = { mkOption = option: option; types = { nullOr = type: type; str = "text"; }; };
       pkgs = { };
     }).options.services.lockkeeper.follow.branch.default`,
  ]);
  assert.equal(exitCode, 0, stderr);
  assert.equal(JSON.parse(stdout), null);
});

test('every Nix file parses', async () => {
  const below = await readdir(path.join(ROOT, 'nix'), { recursive: true });
  const files = ['flake.nix', ...below.filter((file) => file.endsWith('.nix')).map((file) => path.join('nix', file))];
  assert.ok(files.length > 3);
  for (const file of files) {
    const parsed = await run('nix-instantiate', ['--parse', path.join(ROOT, file)]);
    assert.equal(parsed.exitCode, 0, parsed.stderr);
  }
});

test('modules generate and refuse what their checks say', { skip: unevaluated, timeout: 240_000 }, async (context) => {
  const checks = (await evaluate('builtins.mapAttrs (_: check: check.tests) checks')) as Record<
    string,
    Record<string, boolean>
  >;
  for (const [name, tests] of Object.entries(checks))
    for (const [behaviour, holds] of Object.entries(tests))
      await context.test(`${name}: ${behaviour}`, () => {
        assert.ok(holds);
      });
});

/** Both examples of the module that services.nix-flake-updater takes the place of, and a secret. */
const EXAMPLES = `(host [
  (modules + "nix-flake-updater.nix")
  {
    services.lockkeeper = { inherit package; };
    services.nix-flake-updater = {
      biweekly = {
        enable = true;
        repoPath = "/home/vincent/src/home";
        buildSystems = [ "okinawa" "kyushu" "rhea" "athena" ];
        schedule = "Sun *-*-1..7,15..21 02:00:00";
        ntfyServer = "https://ntfy.sbr.pm";
        ntfyTokenFile = "/run/secrets/ntfy";
        user = "vincent";
        autoFix = {
          enable = true;
          command = "pir";
          extraArgs = [ "--model" "claude-opus-4-6" "--no-session" "--no-extensions" "--no-themes" ];
          maxAttempts = 3;
        };
      };
      daily = {
        enable = true;
        repoPath = "/home/vincent/src/home";
        flakeInputs = [ "chick-group" "chapeau-rouge" ];
        autoMerge = true;
        buildSystems = [ "okinawa" "kyushu" ];
        schedule = "*-*-* 04:00:00";
        user = "vincent";
      };
    };
  }
]).config`;

test(
  'systemd accepts the units of workers, instances and following hosts, and finds workers well confined',
  { skip: unevaluated === false ? unverified : unevaluated, timeout: 120_000 },
  async () => {
    const units = (await evaluate(`let
      inherit (nixpkgs) lib;
      alone = (host [
        (modules + "lockkeeper.nix")
        { services.lockkeeper = { enable = true; inherit package; credentials.key = "/run/secrets/key"; }; }
      ]).config;
      following = (host [
        (modules + "follow.nix")
        {
          services.lockkeeper.follow = {
            enable = true;
            flake = "git+ssh://git@example.org/fleet";
            sshKeyFile = "/run/secrets/key";
            httpsTokenFile = "/run/secrets/token";
            ntfyServer = "https://ntfy.example.org";
            ntfyTopic = "hosts";
          };
        }
      ]).config;
      ours = name: unit: lib.hasPrefix "lockkeeper" name || lib.hasPrefix "nix-flake-updater" name;
    in lib.mapAttrs (_: unit: unit.text) (
      lib.filterAttrs ours (alone.systemd.units // following.systemd.units // ${EXAMPLES}.systemd.units)
    )`)) as Readonly<Record<string, string>>;
    assert.deepEqual(Object.keys(units).sort(), [
      'lockkeeper-apply.service',
      'lockkeeper-follow-failed.service',
      'lockkeeper-follow.service',
      'lockkeeper-follow.timer',
      'lockkeeper-vincent-apply.service',
      'lockkeeper-vincent.service',
      'lockkeeper.service',
      'nix-flake-updater-biweekly.service',
      'nix-flake-updater-daily.service',
    ]);
    await inFolder(async (folder) => {
      const files = Object.entries(units).map(([name, text]) => {
        // Programs in the store were not built: that of this checkout stands in, and this machine's shell.
        const here = text
          .replace(/\/nix\/store\/\S+\/bin\/lockkeeper/, path.join(ROOT, 'bin', 'lockkeeper'))
          .replace(/\/nix\/store\/[^\s']+\/bin\/(?:bash|sh)/g, '/bin/sh');
        return [path.join(folder, name), here] as const;
      });
      for (const [file, text] of files) await writeFile(file, text);
      for (const [file] of files) {
        const verified = await run('systemd-analyze', ['verify', '--man=no', file]);
        assert.equal(verified.exitCode, 0, verified.stderr);
        assert.doesNotMatch(verified.stderr, /lockkeeper|updater/);
      }
      // In tenths of systemd's points of exposure.
      for (const [name, most] of [
        ['lockkeeper.service', 35],
        ['lockkeeper-vincent.service', 40],
      ] as const) {
        const limits = ['security', '--offline=true', `--threshold=${most}`, path.join(folder, name)];
        const secured = await run('systemd-analyze', limits);
        assert.equal(secured.exitCode, 0, secured.stdout);
      }
    });
  },
);

/** What an owner gets wrong, and what `nixos-rebuild` answers. */
const WRONG: readonly (readonly [what: string, settings: string, answer: RegExp])[] = [
  [
    'an option that there is not',
    'nix-flake-updater.daily = { enable = true; repoPath = "/src"; autoMege = true; }',
    /The option `services\.nix-flake-updater\.daily\.autoMege' .*does not exist/s,
  ],
  [
    'a value of another type',
    'nix-flake-updater.daily = { enable = true; repoPath = "/src"; buildSystems = "okinawa"; }',
    // Versions of nixpkgs put it in two ways.
    /option (?:value )?`services\.nix-flake-updater\.daily\.buildSystems' .*is not of type `list of string/s,
  ],
  [
    'a machine that would wait for itself',
    'lockkeeper = { enable = true; roles = [ "builder" ]; }',
    /Failed assertions:\s+- services\.lockkeeper\.roles: a builder gets its work from a coordinator/,
  ],
];

for (const [what, settings, answer] of WRONG)
  test(`a system with ${what} is refused in words`, { skip: unevaluated, timeout: 120_000 }, async () => {
    const refused = await instantiate(`(host [
      (modules + "nix-flake-updater.nix")
      { services.${settings}; }
      { services.lockkeeper = { inherit package; }; }
    ]).config.system.build.toplevel.drvPath`);
    assert.notEqual(refused.exitCode, 0);
    assert.match(refused.stderr, answer);
  });

test('the configuration of instances is right', { skip: unevaluated, timeout: 120_000 }, async () => {
  const configuration = await evaluate(`${EXAMPLES}.services.lockkeeper.configuration.vincent`);
  await inFolder(async (folder) => {
    const file = path.join(folder, 'lockkeeper.json');
    await writeFile(file, JSON.stringify(configuration));
    const lockkeeper = (...args: string[]): ReturnType<typeof run> =>
      run(path.join(ROOT, 'bin', 'lockkeeper'), ['config', ...args, '--config', file]);
    const checked = await lockkeeper('check', '--file-only');
    assert.equal(checked.exitCode, 0, checked.stderr);
    const shown = await lockkeeper('show', 'biweekly');
    assert.match(shown.stdout, /^schedule = \[ "Sun \*-\*-1\.\.7,15\.\.21 02:00:00" \]$/m);
    assert.match(shown.stdout, /^buildSystems = \[ "okinawa", "kyushu", "rhea", "athena" \]$/m);
    assert.match(shown.stdout, /^onFailure = \[ "autofix", "report" \]$/m);
    assert.match(shown.stdout, /^command = "pir"$/m);
    assert.match((await lockkeeper('show', 'daily')).stdout, /^autoMerge = true$/m);
    assert.match(shown.stdout, /^ntfyTokenFile = "\/run\/credentials\/lockkeeper-vincent\.service\//m);
  });
});

test('the test of whole machines can be made', { skip: unevaluated, timeout: 240_000 }, async () => {
  const made = await evaluate(`(import (root + "nix/checks/vm.nix") {
    inherit nixpkgs pkgs package;
    temporal-cli = pkgs.hello;
  }).driver.drvPath`);
  assert.match(String(made), /nixos-test-driver/);
});

async function inFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'lockkeeper-nixos-'));
  try {
    await act(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
