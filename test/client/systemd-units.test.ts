import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../../activities/command/process.js';
import { systemdUnits } from '../../model/machine/systemd-units.js';
import { hasSystemdAnalyze } from '../support/systemd-calendar.js';
import { wholeFile, withFolder } from '../support/scope.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const LOCKKEEPER = path.join(ROOT, 'bin', 'lockkeeper');
const skip = (await hasSystemdAnalyze()) ? false : 'no systemd-analyze here, so no unit was verified';

const folder = await withFolder(wholeFile);

/** What systemd says against a unit; nothing if it takes it. */
async function complaints(unit: string): Promise<string> {
  const verified = await run('systemd-analyze', ['verify', '--man=no', unit]);
  // It looks at all units that this one names, and may have something to say about those of the machine. Before 254 it passes
  // over where a delegated unit starts, and agents go without a control group.
  const own = verified.stderr
    .split('\n')
    .filter((line) => line.includes('lockkeeper') && !line.includes("Unknown key 'DelegateSubgroup'"));
  assert.equal(verified.exitCode === 0, own.length === 0, verified.stderr);
  return own.join('\n');
}

/** Units of a worker with the embedded server. */
const plainUnits = (user: string, agent: boolean): ReturnType<typeof systemdUnits> =>
  systemdUnits({ command: ['/bin/sh'], user, address: null, runKeyFile: null, userQueue: false, agent });

test('systemd accepts the units of a worker, with a server of its own and of a cluster', { skip }, async () => {
  for (const [name, more] of [
    ['alone', []],
    ['cluster', ['--address', 'temporal.example.org:7233', '--user', 'vincent', '--agent']],
  ] as const) {
    const directory = path.join(folder, name);
    const written = await run(LOCKKEEPER, ['systemd-units', '--directory', directory, ...more]);
    assert.equal(written.exitCode, 0, written.stderr);
    assert.match(written.stderr, /systemctl enable --now lockkeeper/);
    const units = await readdir(directory);
    assert.deepEqual(units.sort(), [
      'lockkeeper-apply.service',
      'lockkeeper-hooks.service',
      'lockkeeper-run@.service',
      'lockkeeper.service',
    ]);
    for (const unit of units) assert.equal(await complaints(path.join(directory, unit)), '');
  }
  const text = await readFile(path.join(folder, 'cluster', 'lockkeeper.service'), 'utf8');
  assert.match(text, /^ExecStart=\S+ \S+\/bin\/lockkeeper worker --roles=coordinator,builder,agent$/m);
  assert.match(text, /^User=vincent$/m);
});

test('each account has a worker beside the one for all others, and systemd accepts it', { skip }, async () => {
  const directory = path.join(folder, 'account');
  const args = ['--directory', directory, '--user', 'vincent', '--user-queue', '--address', '127.0.0.1:7233'];
  const written = await run(LOCKKEEPER, ['systemd-units', ...args]);
  assert.match(written.stderr, /systemctl enable --now lockkeeper-vincent$/m);
  assert.deepEqual(await readdir(directory), ['lockkeeper-vincent.service']);
  const unit = path.join(directory, 'lockkeeper-vincent.service');
  const text = await readFile(unit, 'utf8');
  assert.match(text, /^ExecStart=.* worker --roles=coordinator,builder --user-queue=vincent$/m);
  assert.match(text, /^StateDirectory=lockkeeper-vincent$/m);
  assert.equal(await complaints(unit), '');
});

test('a path in the unit is taken as it is, whatever it holds', { skip }, async () => {
  const unit = path.join(folder, 'lockkeeper.service');
  const write = async (...command: string[]): Promise<string> => {
    const text =
      systemdUnits({ command, user: 'lockkeeper', address: null, runKeyFile: null, userQueue: false, agent: false })[
        'lockkeeper.service'
      ] ?? '';
    await writeFile(unit, text);
    return text;
  };
  assert.match(
    await write('/bin/sh', '/opt/a "folder" of 100%n \\ $HOME/lockkeeper'),
    /^ExecStart=\/bin\/sh "\/opt\/a \\"folder\\" of 100%%n \\\\ \$\$HOME\/lockkeeper" dev --roles=coordinator,builder$/m,
  );
  assert.equal(await complaints(unit), '');
  assert.match(await write('/nowhere/node', LOCKKEEPER), /:\/nowhere$/m, 'its own Node is on its PATH');
  assert.match(await complaints(unit), /not executable/, 'systemd looks at the command at all');
});

/** Just as much of a NixOS as the units of the modules ask for. */
const NIXOS_UNITS = `{ file, user, agent }:
let
  lib = rec {
    inherit (builtins) concatStringsSep elem filter;
    optional = condition: value: if condition then [ value ] else [ ];
    optionals = condition: values: if condition then values else [ ];
    optionalAttrs = condition: values: if condition then values else { };
    mapAttrsToList = make: values: map (name: make name values.\${name}) (builtins.attrNames values);
  };
  services.lockkeeper = {
    inherit user;
    address = null;
    namespace = null;
    temporalConfigFile = null; runKeyFile = null; allowCommands = [ ];
    userQueue = null;
    systems = null;
    slots = null;
    evalSlots = null;
    healthPort = null;
    metricsPort = null;
    writablePaths = [ ];
    package = "/lockkeeper";
    roles = [ "coordinator" "builder" ] ++ lib.optional agent "agent";
  };
  config = { inherit services; nix.package = "nix"; networking.proxy.envVars = { }; };
  pkgs = builtins.listToAttrs (map (name: { inherit name; value = name; }) [ "git" "openssh" "bubblewrap" "slirp4netns" "iproute2" "util-linux" ]);
  units = import file { inherit config lib pkgs; };
in
{
  worker = (units.worker { inherit user; credentials = { }; writablePaths = [ ]; }).serviceConfig;
  command = (units.command user [ "apply" ]).serviceConfig;
}`;

/** Settings of a section as systemd reads them. */
const settingsOf = (unit: string, section: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    (unit.split(`[${section}]\n`)[1] ?? '')
      .split(/\n(?=\[)/)[0]
      ?.split('\n')
      .filter((line) => /^\w+=/.test(line))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]) ?? [],
  );

test('the units confine workers and the commands beside them as those of the NixOS modules do', async () => {
  const expression = path.join(folder, 'units.nix');
  await writeFile(expression, NIXOS_UNITS);
  const file = path.join(ROOT, 'nix', 'modules', 'units.nix');
  for (const user of ['lockkeeper', 'root']) {
    for (const agent of [true, false]) {
      const args = ['--argstr', 'user', user, '--arg', 'agent', String(agent), '--arg', 'file', file];
      const evaluated = await run('nix-instantiate', ['--eval', '--strict', '--json', ...args, expression]);
      assert.equal(evaluated.exitCode, 0, evaluated.stderr);
      const nixos = JSON.parse(evaluated.stdout) as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
      // No agent runs for root, also where the machine runs those of others.
      const units = plainUnits(user, agent && user !== 'root');
      for (const [name, unit] of [
        ['worker', 'lockkeeper.service'],
        ['command', 'lockkeeper-apply.service'],
        ['command', 'lockkeeper-run@.service'],
        ['command', 'lockkeeper-hooks.service'],
      ] as const) {
        const ours = settingsOf(units[unit] ?? '', 'Service');
        for (const [setting, value] of Object.entries(nixos[name] ?? {})) {
          // What runs differs, and whether it is credentials of systemd or files.
          if (setting === 'ExecStart' || setting === 'LoadCredential') continue;
          // It listens, and does not end.
          if (setting === 'Type' && unit === 'lockkeeper-hooks.service') continue;
          assert.equal(ours[setting], Array.isArray(value) ? value.join(' ') : String(value), `${unit}: ${setting}`);
        }
        const more = [
          'Environment',
          'LoadCredential',
          'RemainAfterExit',
          'Restart',
          'RestartSec',
          'SuccessExitStatus',
          'ExecStart',
        ];
        const others = Object.keys(ours).filter((setting) => !(setting in (nixos[name] ?? {})));
        assert.deepEqual(
          others.filter((setting) => !more.includes(setting)),
          [],
          `${unit} has more`,
        );
      }
    }
  }
});

test('no unit is more exposed than it has to be', { skip }, async () => {
  for (const [user, agent] of [
    ['lockkeeper', false],
    ['lockkeeper', true],
    ['root', false],
  ] as const) {
    const units = plainUnits(user, agent);
    for (const [name, text] of Object.entries(units)) {
      const unit = path.join(folder, name);
      await writeFile(unit, text);
      const { stdout, stderr, exitCode } = await run('systemd-analyze', ['security', '--offline=yes', unit]);
      // Older ones look at units that run alone.
      if (exitCode !== 0 && stderr.includes('unrecognized option')) return;
      const exposure = /exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1];
      assert.ok(exposure !== undefined && Number(exposure) <= 4, `${name} of ${user}: ${stdout.slice(-200)}${stderr}`);
    }
  }
});

test('what cannot stand in a unit is refused', async () => {
  for (const [args, reason] of [
    [['--user', 'some body'], /--user "some body" is not a valid account name/],
    [['--address', 'temporal.example.org'], /--address "temporal.example.org" is not an address/],
    [['--user', 'vincent', '--user-queue'], /--user-queue "vincent" shares its server with another worker: name that/],
    [
      ['--user', 'root', '--agent'],
      /--user "root" cannot be combined with --agent: .* account of its own, such as --user lockkeeper, or leave out --agent/,
    ],
    [['--directory', LOCKKEEPER], /--directory .* cannot be written to/],
  ] as const) {
    const refused = await run(LOCKKEEPER, ['systemd-units', ...args]);
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, reason);
    assert.equal(refused.stdout, '');
  }
});

test('units name the run key that is shared', () => {
  const shared = { address: 'temporal.example.org:7233', runKeyFile: '/etc/lockkeeper/run-key' };
  const units = systemdUnits({ command: ['/bin/sh'], user: 'lockkeeper', userQueue: false, agent: false, ...shared });
  for (const text of Object.values(units)) assert.match(text, /LOCKKEEPER_RUN_KEY_FILE=\/etc\/lockkeeper\/run-key/);
});
