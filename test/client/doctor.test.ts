import assert from 'node:assert/strict';
import { chown, mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { Finding } from '../../client/doctor/finding.js';
import { checkStateDirectory } from '../../client/doctor/machine.js';
import { stateDirectory } from '../../model/machine/state-directory.js';
import { msToTs } from '@temporalio/common/lib/time.js';
import { withFleet } from '../support/fleet.js';
import { commitFiles, git } from '../support/git.js';
import type { CommandOptions } from '../support/lockkeeper.js';
import { withServedHouse } from '../support/runs.js';
import { wholeFile, withFolder } from '../support/scope.js';

const { house, client } = await withServedHouse(wholeFile);
const fleet = await withFleet(wholeFile, { hosts: ['web10', 'web2'].map((name) => ({ name })) });
const scratch = await withFolder(wholeFile);

/** A finding as `--json` prints it. */
type Printed = Omit<Finding, 'wayOut'> & { readonly mend: string | null };

interface Checked {
  readonly exitCode: number | null;
  readonly checks: ReadonlyMap<string, Printed>;
}

async function doctor(args: readonly string[], options: CommandOptions = {}): Promise<Checked> {
  const { exitCode, stdout, stderr } = await house.lockkeeper(['doctor', '--json', ...args], {
    cwd: scratch,
    ...options,
  });
  assert.notEqual(stdout, '', stderr);
  const { checks } = JSON.parse(stdout) as { readonly checks: readonly Printed[] };
  return { exitCode, checks: new Map(checks.map((check) => [check.name, check])) };
}

const flakeChecks = ({ checks }: Checked): readonly (readonly [string, Finding['level'], string])[] =>
  [...checks.values()]
    .filter(({ name }) => /^flake\b(?!s)/.test(name))
    .map(({ name, level, found }) => [name, level, found]);

test('doctor looks at the flake that it is given, and at that of the current folder', async () => {
  const commit = (await git(fleet.remote, 'rev-parse', 'main')).slice(0, 12);
  const expected = [
    ['flake', 'ok', `${fleet.remote}, branch main, commit ${commit}`],
    ['flake inputs', 'ok', '2: alpha, beta'],
    ['flake hosts', 'ok', '2: web2, web10'],
    ['flake remote', 'ok', 'lets this user push, as far as it says without a push'],
  ];
  assert.deepEqual(flakeChecks(await doctor([fleet.checkout])), expected);
  assert.deepEqual(flakeChecks(await doctor([], { cwd: fleet.checkout })), expected);
  assert.deepEqual(flakeChecks(await doctor([])), []);
  assert.deepEqual(Object.keys(await fleet.branches()), ['main'], 'nothing was pushed');
});

test('doctor reaches the remote of a checkout as that checkout says', async () => {
  const own = path.join(scratch, 'own');
  await git(scratch, 'clone', '--quiet', fleet.remote, own);
  await git(own, 'config', `url.${path.dirname(fleet.remote)}/.insteadOf`, 'https://fleet.invalid/');
  await git(own, 'remote', 'set-url', 'origin', `https://fleet.invalid/${path.basename(fleet.remote)}`);
  const found = flakeChecks(await doctor([own])).map(([name, level]) => [name, level]);
  const names = ['flake', 'flake inputs', 'flake hosts', 'flake remote'];
  assert.deepEqual(
    found,
    names.map((name) => [name, 'ok']),
  );
});

test('a flake that cannot be updated is a fault if doctor was asked about it, and else a warning', async () => {
  const other = path.join(scratch, 'other');
  await git(scratch, 'init', '--quiet', '--initial-branch=main', other);
  await commitFiles(
    other,
    { 'flake.nix': '{ outputs = _: { homeConfigurations = { }; packages = { }; }; }\n' },
    'Start',
  );
  const asked = await doctor([other]);
  assert.equal(asked.exitCode, 1);
  const hosts = 'none: nixosConfigurations is missing or empty; the flake has homeConfigurations, packages';
  assert.deepEqual(asked.checks.get('flake hosts')?.found, hosts);
  assert.match(asked.checks.get('flake inputs')?.found ?? '', /no flake\.lock; run `nix flake lock`/);
  const standing = flakeChecks(await doctor([], { cwd: other })).map(([, level]) => level);
  assert.deepEqual(standing, ['ok', 'warn', 'warn', 'ok']);

  const lock = '{ "nodes": { "root": {} }, "root": "root", "version": 7 }';
  await symlink('shared.lock', path.join(other, 'flake.lock'));
  await commitFiles(other, { 'shared.lock': lock }, 'A lock behind a link');
  assert.match((await doctor([other])).checks.get('flake inputs')?.found ?? '', /^none\b|^0\b/);

  assert.match((await doctor([scratch])).checks.get('flake')?.found ?? '', /is not in a Git repository/);
  assert.match((await doctor(['/nowhere'])).checks.get('flake')?.found ?? '', /does not exist/);
  const noFlake = await doctor([`git+file://${fleet.remote}?dir=hosts`]);
  assert.match(noFlake.checks.get('flake.nix')?.mend ?? '', /FLAKE\?dir=FOLDER/);
});

test('how long closed runs are kept is what the server in use says', async () => {
  assert.equal((await doctor([])).checks.get('kept: closed runs')?.found, 'by the server, 90 days after their end');
  const { address } = await house.server();
  await client.workflowService.registerNamespace({
    namespace: 'short',
    workflowExecutionRetentionPeriod: msToTs('3 days'),
  });
  const env = { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: 'short' };
  const { checks } = await doctor([], { env });
  assert.equal(checks.get('kept: closed runs')?.found, 'by the server, 3 days after their end');
  assert.equal(checks.get('kept: database')?.found.endsWith('of the embedded server'), true);
});

test('a Git that cannot keep a person’s settings out is too old', async () => {
  const { PATH = '' } = process.env;
  const folder = path.join(scratch, 'git');
  await mkdir(folder);
  const git = path.join(folder, 'git');
  for (const [version, level] of [
    ['2.31.8', 'fail'],
    ['2.32.0', 'ok'],
    ['3.0.1', 'ok'],
  ] as const) {
    await writeFile(git, `#!/bin/sh\necho git version ${version}\n`, { mode: 0o755 });
    const { checks } = await doctor([], { env: { PATH: `${folder}:${PATH}` } });
    const found = checks.get('Git');
    assert.deepEqual([found?.level, found?.found], [level, version]);
    if (level === 'fail') assert.match(found?.mend ?? '', /Git 2\.32 or newer/);
  }
});

test(
  'of another account’s state directory doctor says whose it is, and how to run as that account',
  { skip: process.getuid?.() === 0 ? false : 'only root can give a folder away' },
  async () => {
    const foreign = path.join(scratch, 'foreign');
    await mkdir(foreign);
    await chown(foreign, 54321, 54321);
    const found = await checkStateDirectory(stateDirectory(foreign));
    assert.equal(found.found, `${foreign} belongs to user 54321, and this is user 0`);
    assert.equal(
      found.wayOut,
      "run as that user (sudo -u '#54321' lockkeeper …), or name another one with --state-dir",
    );
  },
);
