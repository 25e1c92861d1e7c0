import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../../activities/process.js';

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
  const evaluated = await run('nix-instantiate', [
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
  assert.equal(evaluated.exitCode, 0, evaluated.stderr);
  return JSON.parse(evaluated.stdout);
}

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

test(
  'systemd accepts the unit of a worker, and finds it well confined',
  { skip: unevaluated === false ? unverified : unevaluated, timeout: 120_000 },
  async () => {
    const text = (await evaluate(`(host [
      (modules + "lockkeeper.nix")
      { services.lockkeeper = { enable = true; inherit package; credentials.key = "/run/secrets/key"; }; }
    ]).config.systemd.units."lockkeeper.service".text`)) as string;
    const folder = await mkdtemp(path.join(tmpdir(), 'lockkeeper-unit-'));
    try {
      const unit = path.join(folder, 'lockkeeper.service');
      // The program in the store was not built: that of this checkout stands in.
      const here = text.replace(/\/nix\/store\/\S+\/bin\/lockkeeper/, path.join(ROOT, 'bin', 'lockkeeper'));
      await writeFile(unit, here);
      const verified = await run('systemd-analyze', ['verify', unit]);
      assert.equal(verified.exitCode, 0, verified.stderr);
      assert.doesNotMatch(verified.stderr, /lockkeeper\.service/);
      const secured = await run('systemd-analyze', ['security', '--offline=true', '--threshold=35', unit]);
      assert.equal(secured.exitCode, 0, secured.stdout);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);

test('the test of whole machines can be made', { skip: unevaluated, timeout: 240_000 }, async () => {
  const made = await evaluate(`(import (root + "nix/checks/vm.nix") {
    inherit nixpkgs pkgs package;
    temporal-cli = pkgs.hello;
  }).driver.drvPath`);
  assert.match(String(made), /nixos-test-driver/);
});
