import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../../activities/command/process.js';
import { wholeFile, withFolder } from '../support/scope.js';
import { hasSystemdAnalyze } from '../support/systemd-calendar.js';

/** The module of Home Manager in docs/nixos.md, taken from there: what people copy has to work. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const LOCKKEEPER = path.join(ROOT, 'bin', 'lockkeeper');

type Section = Readonly<Record<string, string | number | boolean | readonly string[]>>;
type Unit = Readonly<Record<string, Section>>;

interface Evaluated {
  /** Path of the configuration file. */
  readonly config: string;
  readonly units: Readonly<Record<string, Unit>>;
}

const folder = await withFolder(wholeFile);
const evaluated = await evaluate();

async function evaluate(): Promise<Evaluated> {
  const page = await readFile(path.join(ROOT, 'docs', 'nixos.md'), 'utf8');
  const module = path.join(folder, 'module.nix');
  await writeFile(module, /## One user, with Home Manager[\s\S]*?```nix\n([\s\S]*?)```/.exec(page)?.[1] ?? '');
  const found = await run('nix-instantiate', [
    ...[
      '--eval',
      '--read-write-mode',
      '--strict',
      '--json',
      '--argstr',
      'module',
      module,
      '--argstr',
      'root',
      ROOT,
      '--expr',
    ],
    `{ module, root }:
     let
       made = import module {
         config.home = { username = "vincent"; homeDirectory = "/home/vincent"; };
         pkgs = { stdenv.hostPlatform.system = "x86_64-linux"; writeText = builtins.toFile; };
         # This checkout stands in for the package.
         lockkeeper.packages.x86_64-linux.default = toString root;
       };
     in {
       config = made.home.sessionVariables.LOCKKEEPER_CONFIG;
       units = made.systemd.user.services;
     }`,
  ]);
  assert.equal(found.exitCode, 0, found.stderr);
  return JSON.parse(found.stdout) as Evaluated;
}

/** As Home Manager writes it. */
const unitFile = (unit: Unit): string =>
  Object.entries(unit)
    .map(([name, section]) => {
      const settings = Object.entries(section).map(([key, value]) => `${key}=${String(value)}`);
      return [`[${name}]`, ...settings, ''].join('\n');
    })
    .join('\n');

test('the configuration of the documented module is right', async () => {
  const checked = await run(LOCKKEEPER, ['config', 'check', '--file-only', '--config', evaluated.config]);
  assert.equal(checked.exitCode, 0, checked.stderr);
  const shown = await run(LOCKKEEPER, ['config', 'show', 'home', '--config', evaluated.config]);
  assert.match(shown.stdout, /^repoPath = "\/home\/vincent\/src\/home"$/m);
});

test(
  'systemd accepts its units for a user',
  { skip: (await hasSystemdAnalyze()) ? false : 'no systemd-analyze here, so no unit was verified' },
  async () => {
    const names = Object.keys(evaluated.units);
    assert.deepEqual(names, ['lockkeeper', 'lockkeeper-apply']);
    for (const [name, unit] of Object.entries(evaluated.units))
      await writeFile(path.join(folder, `${name}.service`), unitFile(unit));
    for (const name of names) {
      const verify = ['--user', 'verify', '--man=no', path.join(folder, `${name}.service`)];
      const verified = await run('systemd-analyze', verify, { env: { ...process.env, XDG_RUNTIME_DIR: folder } });
      assert.doesNotMatch(verified.stderr, /lockkeeper/);
      assert.equal(verified.exitCode, 0, verified.stderr);
    }
  },
);
