import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { run, type Finished } from '../../activities/command/process.js';
import { commitFiles, git } from '../support/git.js';
import { asUser, NOBODY } from '../support/private-nix.js';
import { wholeFile, withFolder } from '../support/scope.js';

const COMMAND = path.resolve(import.meta.dirname, '../../../bin/lockkeeper');

const root = await withFolder(wholeFile);
const flake = path.join(root, 'fleet');
const state = path.join(root, 'state');
await mkdir(flake);
await git(flake, 'init', '--quiet', '--initial-branch=main');
await commitFiles(flake, { 'flake.nix': '{ }\n' }, 'Start');

const environment = (extra: Readonly<Record<string, string>> = {}) => ({
  PATH: process.env.PATH,
  HOME: root,
  LOCKKEEPER_STATE_DIR: state,
  ...extra,
});

const lockkeeper = (args: readonly string[], extra: Readonly<Record<string, string>> = {}): Promise<Finished> =>
  run(process.execPath, [COMMAND, ...args], { cwd: flake, env: environment(extra) });

/** Bad input: one message, exit status 1, nothing on standard output, and nothing made. */
async function refused(
  args: readonly string[],
  message: RegExp,
  extra?: Readonly<Record<string, string>>,
): Promise<void> {
  const { exitCode, stdout, stderr } = await lockkeeper(args, extra);
  assert.equal(exitCode, 1, `${args.join(' ')}: ${stderr}`);
  assert.equal(stdout, '');
  assert.match(stderr, /^error: [^\n]+\n$/, args.join(' '));
  assert.match(stderr, message);
  assert.equal(existsSync(state), false, `${args.join(' ')} made the state directory`);
}

test('help answers without loading Temporal, within its time', async () => {
  const { exitCode, stdout } = await lockkeeper(['--help']);
  assert.equal(exitCode, 0);
  for (const command of ['update', 'worker', 'dev', 'prune', 'doctor', 'approve'])
    assert.match(stdout, new RegExp(`^  ${command} `, 'm'));
  const times = [];
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const start = performance.now();
    await lockkeeper(['--help']);
    times.push(performance.now() - start);
  }
  assert.ok(Math.min(...times) < 300, `${Math.min(...times)} ms`);
});

test('the command works through a symbolic link', async () => {
  const link = path.join(root, 'linked');
  await symlink(COMMAND, link);
  const { exitCode, stdout } = await run(link, ['--version'], { env: environment() });
  assert.equal(exitCode, 0);
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
});

test('a mistyped command or option is answered with the nearest one', async () => {
  await refused(['updat'], /unknown command 'updat' \(Did you mean update\?\)\. See "lockkeeper --help"\.$/m);
  await refused(['update', '--hots', 'x'], /unknown option '--hots' \(Did you mean --host\?\)/);
  await refused(['update', '--land', 'soft'], /none, branch, merge/);
  await refused(['update', '.', 'x'], /too many arguments/);
  await refused(['status'], /missing required argument 'run'\. See "lockkeeper status --help"\.$/m);
  await refused(['schedules', 'pause'], /See "lockkeeper schedules pause --help"\.$/m);
  await refused(['config', 'chek'], /unknown command 'chek' \(Did you mean check\?\)/);
  await refused(['schedules', 'pase', 'daily'], /schedules has no "pase"\. Did you mean "pause"\?/);
  await refused(['schedules', 'list'], /There are pause, resume, trigger, backfill; by itself it lists/);
});

test('names with spaces, dashes, dots, newlines or shell characters are refused before anything starts', async () => {
  for (const name of ['a b', '-x', 'a/../b', 'a\nb', '$(id)', ';', '']) {
    await refused(['update', '--host', name], /^error: --host /);
    await refused(['update', '--input', name], /^error: --input /);
    await refused(['update', '--main', name], /^error: --main /);
    await refused(['update', '--branch-prefix', `${name} `], /^error: --branch-prefix /);
  }
  await refused(['update', '--exclude', '('], /--exclude .*regular expression/);
  await refused(['update', '--nix-option', 'max-jobs'], /two words/);
  await refused(['update', '--nix-option', 'access-tokens', 'x=y'], /secrets/);
  await refused(['update', '--author', 'nobody'], /Name <email>/);
  await refused(['update', '--slots', 'many'], /--slots "many"/);
  await refused(['update', '--time-zone', 'Mars/Base'], /Europe\/Berlin/);
});

test('options that contradict each other are refused', async () => {
  await refused(
    ['update', '--dry-run', '--land', 'merge'],
    /--land "merge" contradicts --dry-run: leave one of them out/,
  );
  await refused(['update', '--dry-run', '--approve'], /--approve/);
  await refused(['update', '--host', 'a', '--exclude', 'b'], /--exclude/);
  await refused(['update', '--host', 'a', '--require', 'b'], /--require "b" is not built: add it to --host/);
  await refused(['update', '--ntfy-topic', 'x'], /--ntfy-topic does nothing by itself: add --ntfy-server/);
});

test('secret files must be there and be private', async () => {
  const token = path.join(root, 'token');
  await refused(['update', '--https-token-file', token], /--https-token-file .* does not exist/);
  await writeFile(token, 'secret\n');
  await chmod(token, 0o644);
  await refused(['update', '--https-token-file', token], /chmod 600/);
  await refused(['update', '--access-tokens-file', token], /--access-tokens-file .*chmod 600/);
  await refused(['update', '--ssh-key-file', root], /is not a file/);
});

test('a state directory that everybody may write to is refused before anything is started in it', async () => {
  const open = path.join(root, 'open');
  await mkdir(open);
  await chmod(open, 0o1777);
  for (const command of ['update', 'worker']) {
    const { exitCode, stderr } = await lockkeeper([command], { LOCKKEEPER_STATE_DIR: open });
    assert.equal(exitCode, 1);
    assert.match(stderr, /everybody may write to the state directory .*--state-dir/);
  }
  assert.deepEqual(await readdir(open), []);
});

test(
  'root starts nothing in the state directory of another account',
  { skip: process.getuid?.() === 0 ? false : 'only root can' },
  async () => {
    const foreign = path.join(root, 'foreign');
    await mkdir(foreign);
    await chown(foreign, NOBODY, NOBODY);
    for (const command of ['update', 'worker', 'dev']) {
      const { exitCode, stderr } = await lockkeeper([command], { LOCKKEEPER_STATE_DIR: foreign });
      assert.equal(exitCode, 1);
      assert.match(stderr, /foreign belongs to user 65534, .*sudo -u '#65534'.*--state-dir/);
    }
    assert.deepEqual(await readdir(foreign), []);
  },
);

test(
  'a command that only looks says whose a state directory is that it may not read, and what to do',
  { skip: process.getuid?.() === 0 ? false : 'only root may become somebody else' },
  async (context) => {
    const foreign = path.join(root, 'of-root');
    await mkdir(path.join(foreign, 'server'), { recursive: true });
    await writeFile(path.join(foreign, 'server', 'temporal.db'), '');
    await chmod(root, 0o755);
    const tried = await run('setpriv', [...asUser(NOBODY), 'test', '-r', COMMAND]);
    if (tried.exitCode !== 0) {
      context.skip(`user ${NOBODY} cannot read ${COMMAND}`);
      return;
    }
    for (const hidden of [foreign, path.join(foreign, 'server')]) {
      await chmod(hidden, 0o700);
      for (const command of [['list'], ['schedules'], ['status', 'latest'], ['report', 'latest']]) {
        const { exitCode, stdout, stderr } = await run(
          'setpriv',
          [...asUser(NOBODY), process.execPath, COMMAND, ...command],
          { cwd: '/', env: environment({ LOCKKEEPER_STATE_DIR: foreign }) },
        );
        assert.equal(exitCode, 1);
        assert.equal(stdout, '');
        assert.match(stderr, /may not read .*of-root, which belongs to root: .*sudo -u root lockkeeper.*--state-dir/);
      }
      await chmod(hidden, 0o755);
    }
  },
);

test('a folder that is no repository, or holds no flake, is named', async () => {
  await refused(['update', root], /is not in a Git repository/);
  await refused(['update', path.join(root, 'nowhere')], /does not exist/);
  await refused(['update', '--remote', 'upstream'], /no remote "upstream": it has none/);
  await refused(['update', '--main', 'nope'], /no branch "nope" in .* It has main/);
});

test('a server that is not there is named within five seconds, with how to start one', async () => {
  const start = performance.now();
  await refused(['list'], /127\.0\.0\.1:1 \(from TEMPORAL_ADDRESS\).*start-dev/, { TEMPORAL_ADDRESS: '127.0.0.1:1' });
  assert.ok(performance.now() - start < 5500);
  await refused(['list'], /TEMPORAL_PROFILE/, { TEMPORAL_PROFILE: 'nowhere' });
});

test('looking at runs before there are any starts and makes nothing', async () => {
  const listed = await lockkeeper(['list', '--json']);
  assert.deepEqual([listed.exitCode, listed.stdout], [0, '[]\n']);
  await refused(['status', 'latest'], /no runs yet/);
  await refused(['approve', 'latest'], /no runs yet/);
  const own = path.join(root, 'my own');
  await refused(['--state-dir', own, 'status', 'latest'], /"lockkeeper update --state-dir '.*\/my own'"/);
});

test('doctor says of each check how it stands, for people and for programs', async () => {
  const { stdout, exitCode } = await lockkeeper(['doctor', '--json']);
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: readonly { name: string; level: string }[] };
  assert.equal(exitCode, ok ? 0 : 1);
  for (const name of [
    'Node',
    'Nix',
    'flakes',
    'Git',
    'agent sandbox',
    'server',
    'disk of /nix/store',
    'state directory',
  ]) {
    assert.ok(
      checks.some((check) => check.name === name),
      name,
    );
  }
  const without = await lockkeeper(['doctor'], { PATH: path.join(root, 'nothing') });
  assert.equal(without.exitCode, 1);
  assert.match(without.stdout, /fail {2}Nix +not on the PATH\n +→ install/);
  assert.equal(existsSync(state), false);
});
