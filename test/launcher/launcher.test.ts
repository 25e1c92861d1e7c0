import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { getPriority, setPriority, tmpdir } from 'node:os';
import { test } from 'node:test';
import { launch } from '../../activities/command/launcher.js';
import { run } from '../../activities/command/process.js';
import { openGit } from '../../activities/git/git.js';
import { descendants, isAlive, statOf } from '../../host/processes.js';
import type { ProcessIdentity } from '../../model/machine/state-directory.js';
import { until } from '../support/lockkeeper.js';
import { withStandIn } from '../support/stand-in.js';

async function launcherOf(pid: number): Promise<ProcessIdentity | undefined> {
  for (const each of await descendants(pid)) {
    const command = await readFile(`/proc/${each.pid}/cmdline`, 'utf8').catch(() => '');
    if (command.includes('launcher-process.js')) return each;
  }
  return undefined;
}

const theLauncher = async (): Promise<ProcessIdentity> => {
  const found = await launcherOf(process.pid);
  assert.ok(found);
  return found;
};

test('a command gives what came out, whatever its exit status', async () => {
  const finished = await launch('sh', ['-c', 'cat; echo oops >&2; exit 3'], { input: 'hello' });
  assert.deepEqual([finished.exitCode, finished.stdout, finished.stderr], [3, 'hello', 'oops\n']);
  assert.equal((await launch('no-such-command', [])).notFound, true);
});

test('a command has the environment that it is given, and no other', async () => {
  const { stdout } = await launch('/usr/bin/env', [], { env: { A: 'b', C: undefined } });
  assert.equal(stdout, 'A=b\n');
});

test('what runs in the background comes five steps behind this process, and never before the rest of the machine', async () => {
  const { stdout } = await launch('sh', ['-c', 'sleep 0.5; nice'], { background: true });
  assert.equal(Number(stdout), Math.min(Math.max(getPriority(), 0) + 5, 19));
  const behind = getPriority() + 3;
  setPriority(behind);
  try {
    // The launcher has its own from its start: it is not this one's that counts there.
    const { stdout: later } = await run('sh', ['-c', 'sleep 0.5; nice'], { background: true });
    assert.equal(Number(later), Math.min(Math.max(behind, 0) + 5, 19));
  } finally {
    try {
      setPriority(behind - 3);
    } catch {
      // Only root may go back.
    }
  }
});

test('an abortion ends a command with everything below it', async () => {
  const stop = new AbortController();
  const sleeping = launch('sh', ['-c', 'sleep 300 & sleep 300; true'], { signal: stop.signal, graceMs: 500 });
  const launcher = await theLauncher();
  await until(async () => (await descendants(launcher.pid)).length === 3, 10_000);
  const below = await descendants(launcher.pid);
  stop.abort(new Error('enough'));
  await assert.rejects(sleeping, /enough/);
  for (const each of below) assert.equal(await isAlive(each), false);
});

test('a launcher that was killed fails its commands, and the next command has another one', async () => {
  const sleeping = launch('sleep', ['2']);
  const launcher = await theLauncher();
  process.kill(launcher.pid, 'SIGKILL');
  await assert.rejects(sleeping, /has died\. The commands are tried again/);
  assert.equal((await launch('echo', ['again'])).stdout, 'again\n');
  assert.notEqual((await theLauncher()).pid, launcher.pid);
});

test('a launcher outlives signals that are meant for its process, and ends when that is killed', async () => {
  const module = new URL('../../activities/command/launcher.js', import.meta.url).href;
  const program = `const { launch } = await import(${JSON.stringify(module)}); await launch('sleep', ['300']);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'ignore' });
  const pid = child.pid ?? 0;
  await until(async () => (await descendants(pid)).length === 2, 20_000);
  const launcher = await launcherOf(pid);
  const [command] = (await descendants(pid)).filter((each) => each.pid !== launcher?.pid);
  assert.ok(launcher !== undefined && command !== undefined);
  process.kill(launcher.pid, 'SIGTERM');
  process.kill(launcher.pid, 'SIGINT');
  child.kill('SIGKILL');
  await until(async () => !(await isAlive(launcher)), 10_000);
  // As one that the killed process had started itself: it ends by itself.
  assert.equal(await isAlive(command), true);
  process.kill(command.pid, 'SIGKILL');
});

test('a command with limits ends with the process that it was started for', async () => {
  const module = new URL('../../activities/command/launcher.js', import.meta.url).href;
  const limits = { stallSeconds: 100, writtenBytes: 1e9, memoryBytes: 1e9 };
  const program = `const { launch } = await import(${JSON.stringify(module)}); await launch('sh', ['-c', 'sleep 300; true'], ${JSON.stringify({ limits })});`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'ignore' });
  const pid = child.pid ?? 0;
  await until(async () => (await descendants(pid)).length === 3, 20_000);
  const below = await descendants(pid);
  child.kill('SIGKILL');
  for (const each of below) await until(async () => !(await isAlive(each)), 10_000);
});

test('whatever a command prints, what is kept of it is small', async () => {
  const flood = await launch('sh', ['-c', 'head -c 300000000 /dev/zero; sleep 300'], { graceMs: 100 });
  assert.equal(flood.exceeded, 'output');
  const said = await launch('sh', [
    '-c',
    'echo first >&2; head -c 100000000 /dev/zero | tr "\\0" x >&2; echo last >&2',
  ]);
  assert.deepEqual([said.exitCode, said.exceeded], [0, null]);
  assert.ok(said.stderr.length < 10_000_000);
  assert.match(said.stderr, /^first\n[^]*\[\d+ bytes left out\][^]*last\n$/);
});

test('a command that stands still is ended as well, Git included', () =>
  withStandIn('git', 'kill -STOP $$; exec git "$@"', async () => {
    const env = { PATH: process.env.PATH ?? '' };
    const starts: readonly ((signal: AbortSignal) => Promise<unknown>)[] = [
      (signal) => launch('git', ['version'], { env, signal, graceMs: 500 }),
      (signal) => openGit(tmpdir(), env, signal).run(['version']),
    ];
    for (const start of starts) {
      const stop = new AbortController();
      const standing = start(stop.signal);
      const launcher = await theLauncher();
      await until(async () => (await descendants(launcher.pid)).length > 0, 10_000);
      const [git] = await descendants(launcher.pid);
      assert.ok(git);
      await until(async () => (await statOf(git.pid))?.isStopped === true, 10_000);
      stop.abort(new Error('enough'));
      await assert.rejects(standing, /enough/);
      assert.equal(await isAlive(git), false);
    }
  }));

test('a command that stands still goes on, also where the launcher does', async () => {
  const standing = launch('sh', ['-c', 'kill -STOP $$; echo went on']);
  const launcher = await theLauncher();
  process.kill(launcher.pid, 'SIGSTOP');
  assert.equal((await standing).stdout, 'went on\n');
});
