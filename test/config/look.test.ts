import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run, type Finished } from '../../activities/command/process.js';
import { withFleet } from '../support/fleet.js';
import { wholeFile, withFolder } from '../support/scope.js';

const COMMAND = fileURLToPath(new URL('../../../bin/lockkeeper', import.meta.url));

const folder = await withFolder(wholeFile);
const fleet = await withFleet(wholeFile, { hosts: ['web10', 'web2', 'db1'].map((name) => ({ name })) });
// Nix 2.8 does not read every history that Git cuts off.
await fleet.pushToMain({ note: 'A second commit.\n' });

async function check(toml: string, ...args: readonly string[]): Promise<Finished> {
  const file = path.join(folder, 'lockkeeper.toml');
  await writeFile(file, toml);
  return run(COMMAND, ['config', 'check', ...args, '--config', file], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1' },
  });
}

test('a configuration whose hosts, inputs and folders are there is valid', async () => {
  const { exitCode, stdout, stderr } = await check(`
    [instances.nightly]
    repoPath = "${fleet.checkout}"
    buildSystems = ["web2", "db1"]
    require = ["db1"]
    flakeInputs = ["alpha"]
    neverHoldBack = ["alpha"]
    sshKeyFile = "/nowhere/key"
    ntfyTokenFile = "/run/credentials/lockkeeper.service/ntfy"
  `);
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, /lockkeeper\.toml is valid \(instances: nightly\)\.$/m);
  assert.equal(stderr, 'note: instances.nightly.sshKeyFile: there is no /nowhere/key on this machine.\n');
});

test('hosts and inputs that the flake does not have are named all at once, with those that were meant', async () => {
  const { exitCode, stdout, stderr } = await check(`
    [defaults]
    repoPath = "${fleet.checkout}"
    [instances.some]
    buildSystems = ["web3", "db1"]
    branchPrefix = "some-"
    [instances.all]
    require = ["db1", "mail"]
    inputGroups = [["alpa"], ["zebra"]]
    neverHoldBack = ["alph"]
    pinnedInputs = [{ input = "alphas", until = "2099-01-01", reason = "x" }]
    [instances.kinds]
    targets = ["nixos:web*", "check:*", "!home:bob"]
    branchPrefix = "kinds-"
    [instances.chosen]
    targets = ["nixos:web*"]
    require = ["web2", "nixos:db*"]
    branchPrefix = "chosen-"
  `);
  assert.deepEqual([exitCode, stdout], [1, '']);
  for (const fault of [
    'instances.some.buildSystems "web3" is not a host of the flake: did you mean "web2"?',
    'instances.all.require "mail" is not a host of the flake: it has db1, web2, web10.',
    'instances.kinds.targets: "check:*" matches nothing: the flake has nixosConfigurations',
    'instances.chosen.require "nixos:db*" is not built: it has web2, web10.',
    'instances.all.inputGroups "alpa" is not an input of the flake: did you mean "alpha"?',
    'instances.all.inputGroups "zebra" is not an input of the flake: it has alpha, beta.',
    'instances.all.neverHoldBack "alph" is not an input of the flake: did you mean "alpha"?',
    'instances.all.pinnedInputs "alphas" is not an input of the flake: did you mean "alpha"?',
  ])
    assert.ok(stderr.includes(`  ${fault}\n`), `${fault} in\n${stderr}`);
});

test('a repository, a branch and a folder that are not there are named with their place in the file', async () => {
  const { exitCode, stderr } = await check(`
    [instances.a]
    repoPath = "/nowhere/fleet"
    [instances.b]
    repoPath = "${fleet.checkout}"
    mainBranch = "mian"
    branchPrefix = "b-"
    [instances.c]
    repoPath = "${fleet.checkout}"
    flakeDir = "hosts"
    branchPrefix = "c-"
    [instances.d]
    repoUrl = "git+file://${fleet.remote}"
    flakeDir = "hosts"
    branchPrefix = "d-"
  `);
  assert.equal(exitCode, 1);
  for (const fault of [
    /^ {2}instances\.a\.repoPath \/nowhere\/fleet does not exist$/m,
    /^ {2}instances\.b\.mainBranch: There is no branch "mian" in \S+\. It has main$/m,
    /^ {2}instances\.c: There is no flake\.nix in \S+\/hosts$/m,
    /^ {2}instances\.d: the branch main of \S+ has no hosts\/flake\.nix: commit and push it, or give flakeDir$/m,
  ])
    assert.match(stderr, fault);
});

test('what cannot be looked at is no fault, and with --file-only nothing is looked at', async () => {
  const unreachable = '[instances.a]\nrepoUrl = "git+file:///nowhere/fleet.git"\n';
  const noted = await check(unreachable);
  assert.equal(noted.exitCode, 0, noted.stderr);
  assert.match(noted.stderr, /^note: the repository of instances\.a cannot be read: .*\/nowhere\/fleet\.git/);
  const alone = await check(`[instances.a]\nrepoPath = "/nowhere"\nbuildSystems = ["x"]\n`, '--file-only');
  assert.deepEqual([alone.exitCode, alone.stderr], [0, '']);
});
