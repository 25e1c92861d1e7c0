import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../../activities/command/process.js';
import { withMovedFleet } from '../support/fleet.js';
import { commitFiles, git } from '../support/git.js';
import { openHouse, withHouse } from '../support/lockkeeper.js';
import { withServedHouse } from '../support/runs.js';
import { wholeFile, withFolder } from '../support/scope.js';

/** Bad input that only a run can find: one message on the terminal, exit status 1, nothing changed, and the run closed. */
const scratch = await withFolder(wholeFile);
const fleet = await withMovedFleet(wholeFile, { hosts: [{ name: 'web' }, { name: 'db' }], inputs: ['alpha'] });
const { house } = await withServedHouse(wholeFile);

/** Lines of standard error from the one that starts with `error:` on; there must be exactly one of those. */
function errorOf(stderr: string): string {
  assert.equal(stderr.match(/^error: /gm)?.length, 1, stderr);
  assert.doesNotMatch(stderr, /^\s+at \S+ \(|node:internal|\.js:\d+/m, 'a stack trace');
  return stderr.slice(stderr.search(/^error: /m));
}

/** Runs `update`, which must fail with this message and change neither the remote nor the house. */
async function fails(message: RegExp, flake: string, ...args: readonly string[]): Promise<void> {
  const branches = await fleet.branches();
  const { exitCode, stderr } = await house.lockkeeper(['update', flake, ...args]);
  assert.equal(exitCode, 1, stderr);
  assert.match(errorOf(stderr), message);
  assert.deepEqual(await fleet.branches(), branches);
  assert.deepEqual(await readdir(house.state.work), []);
  const { stdout } = await house.lockkeeper(['list', '--json']);
  const runs = JSON.parse(stdout) as readonly { readonly state: string; readonly closedAt: string | null }[];
  assert.ok(
    runs.every(({ closedAt }) => closedAt !== null),
    stdout,
  );
}

/** A repository without a remote that holds these files. */
async function repository(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = path.join(scratch, name);
  await mkdir(folder);
  await git(folder, 'init', '--quiet', '--initial-branch=main');
  await commitFiles(folder, files, 'Start');
  return folder;
}

test('a flake.nix that does not parse, or that is not committed, is named with its place', async () => {
  const lock = await fleet.show('main', 'flake.lock');
  const broken = await repository('broken', { 'flake.nix': '{ outputs = \n', 'flake.lock': lock });
  await fails(/flake\.nix at commit [0-9a-f]{12} does not parse: syntax error.* flake\.nix:\d+/, broken);
  const untracked = await repository('untracked', { README: 'none yet\n' });
  await writeFile(path.join(untracked, 'flake.nix'), '{ outputs = { self }: { }; }\n');
  await fails(/There is no flake\.nix at commit [0-9a-f]{12} of main.*Commit/, untracked);
});

test('a flake.lock that is missing, empty, cut off or newer is named with what is wrong and the way out', async () => {
  const flake = await fleet.show('main', 'flake.nix');
  const lock = await fleet.show('main', 'flake.lock');
  const folder = await repository('locks', { 'flake.nix': flake });
  await fails(/There is no flake\.lock; run `nix flake lock`, then commit/, folder);
  const bad: readonly (readonly [string, RegExp])[] = [
    ['', /flake\.lock is empty; restore the file/],
    [lock.slice(0, 200), /flake\.lock is cut off; restore the file/],
    [lock.replace(/"version": 7/, '"version": 99'), /flake\.lock has version 99.*update Lockkeeper/],
  ];
  for (const [content, message] of bad) {
    await commitFiles(folder, { 'flake.lock': content }, 'Break the lock');
    await fails(message, folder);
  }
});

test('inputs and hosts that the flake does not have are answered with those that it has', async () => {
  const builds = await fleet.builds();
  await fails(/no input nope\. It has: alpha/, fleet.checkout, '--input', 'nope');
  await fails(/no host nope\. It has: db, web/, fleet.checkout, '--host', 'web,nope');
  await fails(
    /--exclude-input "b" leaves inputs out of all, but --input names/,
    fleet.checkout,
    '--exclude-input',
    'b',
    '--input',
    'a',
  );
  await fails(/leaves none of the hosts db, web/, fleet.checkout, '--exclude', '.*');
  await fails(/--require names nope/, fleet.checkout, '--require', 'nope');
  assert.deepEqual(await fleet.builds(), builds, 'before anything is built');
});

test('a remote that refuses a push is told in its own words', async () => {
  const hook = path.join(fleet.remote, 'hooks', 'pre-receive');
  await mkdir(path.dirname(hook), { recursive: true });
  await writeFile(hook, '#!/bin/sh\necho "no robots, please" >&2\nexit 1\n');
  await chmod(hook, 0o755);
  for (const mode of ['branch', 'merge']) {
    await fails(
      /refused to take branch .*\nremote: no robots, please\n\[remote rejected\]/,
      fleet.checkout,
      '--land',
      mode,
    );
  }
  await rm(hook);
});

test('a remote that cannot be reached is named before anything starts', async () => {
  const clone = path.join(scratch, 'clone');
  await git(scratch, 'clone', '--quiet', fleet.remote, clone);
  for (const url of ['/nowhere/fleet.git', 'https://127.0.0.1:1/fleet.git', 'ssh://127.0.0.1:1/fleet.git']) {
    await git(clone, 'remote', 'set-url', 'origin', url);
    const { exitCode, stderr } = await house.lockkeeper(['update', clone]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /^error: The remote .* cannot be reached: [^\n]*ls-remote[^\n]*\n$/);
  }
});

test('names of runs that are empty or hold control characters are answered on one line', async () => {
  for (const [name, message] of [
    ['', /RUN is empty/],
    ['a\nb\x1b[31m', /There is no run "a b"/],
  ] as const) {
    const { exitCode, stderr } = await house.lockkeeper(['status', name]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /^error: [^\n]*\n$/);
    assert.match(stderr, message);
  }
});

test('two updates of one repository at once are one run, or the second is told of the first', async () => {
  const same = ['update', fleet.checkout, '--dry-run', '--json'];
  const both = await Promise.all([house.lockkeeper(same), house.lockkeeper(same)]);
  const runs = both.map(({ stdout }) => (JSON.parse(stdout) as { readonly run: string }).run);
  assert.deepEqual(
    both.map(({ exitCode }) => exitCode),
    [0, 0],
  );
  assert.equal(runs[0], runs[1]);
  const [first, second] = await Promise.all([
    house.lockkeeper(['update', fleet.checkout, '--dry-run']),
    house.lockkeeper(['update', fleet.checkout, '--dry-run', '--host', 'web']),
  ]);
  const refused = first.exitCode === 1 ? first : second;
  assert.deepEqual([first.exitCode, second.exitCode].sort(), [0, 1], `${first.stderr}\n${second.stderr}`);
  assert.match(errorOf(refused.stderr), /with other options[^]*running \(update-[^]*asked for now[^]*lockkeeper watch/);
});

test('updates of two repositories of one name in the same second are two runs', async () => {
  const other = path.join(scratch, 'other', path.basename(fleet.remote));
  await git(scratch, 'clone', '--quiet', '--bare', fleet.remote, other);
  const both = await Promise.all(
    [fleet.remote, other].map((flake) => house.lockkeeper(['update', flake, '--dry-run', '--json', '--host', 'web'])),
  );
  const reports = both.map(({ stdout }) => JSON.parse(stdout) as { readonly run: string; readonly repository: string });
  assert.deepEqual(
    reports.map(({ repository: each }) => each),
    [fleet.remote, other],
  );
  assert.notEqual(reports[0]?.run, reports[1]?.run);
});

const ownTemporalCli = fileURLToPath(new URL('../../../.cache/tools/bin/temporal', import.meta.url));

/** A PATH with what everything needs and these programs alone; the Temporal CLI is named by $TEMPORAL_CLI. */
async function pathWith(name: string, programs: Readonly<Record<string, string>>): Promise<string> {
  const folder = path.join(scratch, name);
  await mkdir(folder);
  for (const program of ['git', 'node', 'sh', 'env', 'flock']) {
    const { stdout } = await run('sh', ['-c', 'command -v "$1"', 'sh', program]);
    await symlink(stdout.trim(), path.join(folder, program));
  }
  for (const [program, script] of Object.entries(programs)) {
    await writeFile(path.join(folder, program), script, { mode: 0o755 });
  }
  return folder;
}

const DISABLED = `#!/bin/sh
case "$*" in *--version*) echo "nix (Nix) 2.8.0"; exit 0 ;; esac
echo "error: experimental Nix feature 'flakes' is disabled; use '--extra-experimental-features flakes' to override" >&2
exit 1
`;

test('Nix that is missing, too old, or has no flakes is named with what to install', async () => {
  const cases: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
    ['no-nix', {}, /no `nix` on the PATH.*install Nix/],
    ['old-nix', { nix: '#!/bin/sh\necho "nix (Nix) 2.3.16"\n' }, /2\.3\.16 is too old; install Nix 2\.8/],
    ['no-flakes', { nix: DISABLED, 'nix-instantiate': DISABLED }, /flakes/],
  ];
  await Promise.all(
    cases.map(async ([name, programs, message]) => {
      const PATH = await pathWith(name, programs);
      const own = await openHouse();
      try {
        const { exitCode, stderr } = await own.lockkeeper(['update', fleet.checkout], { env: { PATH } });
        assert.equal(exitCode, 1, stderr);
        assert.match(errorOf(stderr), message);
      } finally {
        await own.close();
      }
    }),
  );
});

test('a Temporal CLI that is missing is told at once, with the ways out', async (context) => {
  const PATH = await pathWith('no-temporal', {});
  const cases: [cli: string, message: RegExp][] = [
    ['/nowhere/temporal', /TEMPORAL_CLI is \/nowhere\/temporal, which is not an executable file: .* or unset it/],
    ['', /Temporal CLI.*TEMPORAL_CLI.*TEMPORAL_ADDRESS/],
  ];
  if (existsSync(ownTemporalCli)) {
    cases.pop();
    context.diagnostic(
      'the set-up has built a Temporal CLI, which is always found: a machine without any is not tried',
    );
  }
  for (const [cli, message] of cases) {
    const own = await withHouse(context);
    const env = { PATH, HOME: scratch, TEMPORAL_CLI: cli };
    const start = performance.now();
    const { exitCode, stderr } = await own.lockkeeper(['update', fleet.checkout], { env });
    assert.equal(exitCode, 1);
    assert.match(errorOf(stderr), message);
    assert.ok(performance.now() - start < 5000);
  }
});

test('a state directory that is full, no folder, or where none can be made, is named with the way out', async (context) => {
  const file = path.join(scratch, 'file');
  await writeFile(file, '');
  const link = path.join(scratch, 'link');
  await symlink(path.join(scratch, 'missing'), link);
  const config = path.join(scratch, 'lockkeeper.toml');
  await writeFile(config, `[instances.a]\nrepoPath = "${fleet.checkout}"\nschedule = "daily"\n`);
  for (const wrong of [
    file,
    path.join(file, 'below'),
    link,
    '/proc/nowhere/deep',
    path.join(scratch, 'x'.repeat(5000)),
  ]) {
    for (const args of [
      ['update', fleet.checkout],
      ['apply', '--config', config],
      ['run', 'a', '--config', config],
    ]) {
      const refused = await house.lockkeeper(['--state-dir', wrong, ...args]);
      assert.equal(refused.exitCode, 1);
      assert.match(errorOf(refused.stderr), /state directory .* cannot be used.*--state-dir/);
    }
    const doctor = await house.lockkeeper(['--state-dir', wrong, 'doctor']);
    assert.match(doctor.stdout, /state directory.*(cannot be made|is not a folder)/);
  }

  const small = path.join(scratch, 'small');
  await mkdir(small);
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=700', 'none', small]);
  if (mounted.exitCode !== 0) {
    context.diagnostic('a small file system cannot be mounted here: a full disk is not tried');
    return;
  }
  try {
    const full = await house.lockkeeper(['--state-dir', small, 'update', fleet.checkout]);
    assert.equal(full.exitCode, 1);
    assert.match(errorOf(full.stderr), /No space is left for the state directory .*--state-dir/);
    assert.equal(existsSync(path.join(small, 'server', 'temporal.db')), false);
  } finally {
    await run('umount', ['--lazy', small]);
  }
});
