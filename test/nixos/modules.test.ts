import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
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
const skip =
  nixpkgs === null
    ? 'no nixpkgs here, so the modules were not evaluated: set LOCKKEEPER_NIXPKGS, or run nix flake check'
    : false;

test('every Nix file parses', async () => {
  const below = await readdir(path.join(ROOT, 'nix'), { recursive: true });
  const files = ['flake.nix', ...below.filter((file) => file.endsWith('.nix')).map((file) => path.join('nix', file))];
  assert.ok(files.length > 3);
  for (const file of files) {
    const parsed = await run('nix-instantiate', ['--parse', path.join(ROOT, file)]);
    assert.equal(parsed.exitCode, 0, parsed.stderr);
  }
});

test('modules generate and refuse what their checks say', { skip, timeout: 240_000 }, async (context) => {
  const expression = `
    { nixpkgs, checks }:
    let
      all = import checks {
        nixpkgs = { outPath = nixpkgs; lib = import (nixpkgs + "/lib"); };
        pkgs = import nixpkgs { };
      };
    in builtins.mapAttrs (_: check: check.tests) all`;
  const evaluated = await run('nix-instantiate', [
    ...['--eval', '--strict', '--json', '--expr', expression],
    ...['--argstr', 'nixpkgs', nixpkgs ?? ''],
    ...['--arg', 'checks', path.join(ROOT, 'nix', 'checks')],
  ]);
  assert.equal(evaluated.exitCode, 0, evaluated.stderr);
  const checks = JSON.parse(evaluated.stdout) as Record<string, Record<string, boolean>>;
  for (const [name, tests] of Object.entries(checks))
    for (const [behaviour, holds] of Object.entries(tests))
      await context.test(`${name}: ${behaviour}`, () => {
        assert.ok(holds);
      });
});
