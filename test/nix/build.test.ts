import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ActivityCancellationDetails, CancelledFailure } from '@temporalio/common';
import { run } from '../../activities/command/process.js';
import { readIdentity, readStatus } from '../../activities/supervised/record.js';
import { descendants } from '../../host/processes.js';
import { createForgetRun } from '../../activities/nix/builds.js';
import { endCommand, isRunning } from '../../activities/supervised/session.js';
import type { HostSpec } from '../support/fleet.js';
import { attempt, linkTarget, until, withBuildFixture } from '../support/build-runner.js';
import { processesNamed, sleepOfOurOwn } from '../support/processes.js';
import { wholeFile } from '../support/scope.js';

const host = (name: string, seconds: number, rest: Partial<HostSpec> = {}): HostSpec => ({ name, seconds, ...rest });

const fixture = await withBuildFixture(wholeFile, {
  hosts: [
    host('quick', 0),
    host('early', 0),
    host('broken', 0, { fail: 'build' }),
    host('versioned-20.09', 0, { fail: 'build' }),
    host('talkative', 0, { fail: 'build', longLog: { lines: 300, width: 3 } }),
    host('slow', 3.2),
    host('both', 2),
    host('cancelled', 331),
    host('ignored', 332),
    host('nobodys', 333),
    host('orphaned', 3),
    host('lost', 2),
    host('taker', 1.3),
    host('left-behind', 4),
    host('shared', 4),
    host('superseded', 2),
    host('set-back', 5.2),
    host('silent', 334),
    host('detached', 2),
  ],
});

test('a host that builds is built once, and a repeat returns its verdict without building', async () => {
  const { env, fleet } = fixture;
  const input = await fixture.evaluated('quick');
  const first = attempt(env, input);
  const verdict = await first.verdict;
  assert.equal(verdict.verdict, 'built');
  assert.equal(verdict.outPath, input.evaluation.outPath);
  assert.equal(verdict.machine, 'test-machine');
  assert.deepEqual(verdict.plan, { builds: 2, fetches: 0, downloadBytes: 0, unpackedBytes: 0 });
  assert.equal(first.beats[0]?.machine, 'test-machine');
  assert.match(await readFile(verdict.logPath ?? '', 'utf8'), /^nixos-system-quick> building quick$/m);
  assert.equal(await linkTarget(fixture.recordOf(input).result), verdict.outPath);
  assert.deepEqual(await attempt(env, input).verdict, verdict);
  assert.equal(await fleet.buildsOf('quick'), 1);
});

test('a broken host is a verdict with the derivation that failed, its log, and where the whole log is', async () => {
  const input = await fixture.evaluated('broken');
  const verdict = await attempt(fixture.env, input).verdict;
  assert.equal(verdict.verdict, 'build-failed');
  assert.equal(verdict.error, "builder for 'nixos-system-broken.drv' failed with exit code 7");
  assert.equal(verdict.failedDrv, input.evaluation.drvPath);
  assert.equal(verdict.logTail, 'building broken\nerror: option boot.loader of broken is gone');
  assert.match(await readFile(verdict.logPath ?? '', 'utf8'), /package-broken> package of version 1/);
  assert.deepEqual(await attempt(fixture.env, input).verdict, verdict);
  assert.equal(await fixture.fleet.buildsOf('broken'), 1);
});

test('the log tail of a system with a version in its name is its builder’s own', async () => {
  const verdict = await attempt(fixture.env, await fixture.evaluated('versioned-20.09')).verdict;
  assert.equal(verdict.logTail, 'building versioned-20.09\nerror: option boot.loader of versioned-20.09 is gone');
});

test('the log tail holds the last 200 lines of the builder, and the log all of them', async () => {
  const verdict = await attempt(fixture.env, await fixture.evaluated('talkative')).verdict;
  const tail = verdict.logTail?.split('\n') ?? [];
  assert.deepEqual([tail.length, tail[0], tail.at(-2)], [200, '102', '300']);
  assert.match(await readFile(verdict.logPath ?? '', 'utf8'), /> 001\n/);
});

test('heartbeats tell phase, derivations, log and last lines of a running build', async () => {
  const input = await fixture.evaluated('slow');
  const following = attempt(fixture.env, input);
  const verdict = await following.verdict;
  assert.equal(verdict.verdict, 'built');
  assert.ok(verdict.seconds >= 3.2, `${verdict.seconds} s`);
  const beat = following.beats.findLast(({ phase }) => phase === 'building');
  assert.equal(beat?.planned, 2);
  assert.equal(beat.done, 1);
  assert.equal(beat.plan?.builds, 2);
  assert.equal(beat.logPath, verdict.logPath);
  assert.ok(beat.logBytes > 0);
  assert.equal(beat.lastLines.at(-1), 'nixos-system-slow> building slow');
  assert.equal(beat.estimateSeconds, null);
  const again = attempt(fixture.env, { ...input, run: 'run-2' });
  await again.verdict;
  assert.ok((again.beats.at(-1)?.estimateSeconds ?? 0) >= 3.2);
});

test('the log of a host that was built before says so, and where the log of its build is', async () => {
  const input = await fixture.evaluated('early');
  await attempt(fixture.env, input).verdict;
  const { logPath, plan } = await attempt(fixture.env, { ...input, run: 'run-2' }).verdict;
  assert.deepEqual(plan, { builds: 0, fetches: 0, downloadBytes: 0, unpackedBytes: 0 });
  const [first = '', second = ''] = (await readFile(logPath ?? '', 'utf8')).trim().split('\n').slice(-2);
  assert.equal(first, `Nothing was built: ${input.evaluation.outPath} was in the store already.`);
  const [, drv = ''] = /^nix-store --read-log (\S+) shows/.exec(second) ?? [];
  assert.match((await run('nix-store', ['--read-log', drv])).stdout, /building early/);
  // Nix was asked for what is there, and nothing was started that outlives the worker.
  const left = await readdir(path.dirname(logPath ?? ''));
  assert.ok(left.includes('result') && !left.includes('identity'), left.join(', '));
});

test('two attempts at once start one build', async () => {
  const input = await fixture.evaluated('both');
  const attempts = [attempt(fixture.env, input), attempt(fixture.env, input), attempt(fixture.env, input)];
  const process = await fixture.inProcess(input);
  const verdicts = await Promise.all(attempts.map(({ verdict }) => verdict));
  await until(() => process.exitCode !== null);
  assert.deepEqual(new Set(verdicts.map(({ verdict }) => verdict)), new Set(['built']));
  assert.equal(await fixture.fleet.buildsOf('both'), 1);
});

test('a build goes on when its worker is killed, and the next attempt attaches to it', async () => {
  const input = await fixture.evaluated('detached');
  const worker = await fixture.inProcess(input);
  await until(async () => (await fixture.fleet.sleepers('detached')).length === 1);
  worker.kill('SIGKILL');
  await until(() => worker.signalCode !== null);
  assert.equal((await fixture.fleet.sleepers('detached')).length, 1);
  const verdict = await attempt(fixture.env, input).verdict;
  assert.equal(verdict.verdict, 'built');
  assert.equal(await fixture.fleet.buildsOf('detached'), 1);
});

test('a cancellation ends Nix and its builder within five seconds and removes what the build kept', async () => {
  const input = await fixture.evaluated('cancelled');
  const following = attempt(fixture.env, input);
  await until(async () => (await fixture.fleet.sleepers('cancelled')).length === 1);
  const record = fixture.recordOf(input);
  const supervisor = await readIdentity(record);
  const began = performance.now();
  following.environment.cancel('CANCELLED', new ActivityCancellationDetails({ cancelRequested: true }));
  await assert.rejects(following.verdict, CancelledFailure);
  assert.ok(performance.now() - began < 5000);
  assert.deepEqual(await fixture.fleet.sleepers('cancelled'), []);
  await assert.rejects(readFile(`/proc/${supervisor?.pid ?? 0}/stat`));
  assert.equal(await readIdentity(record), null);
  assert.equal(await linkTarget(path.join(record.directory, 'drv')), null);
});

for (const reason of ['workerShutdown', 'timedOut', 'notFound', 'paused', 'reset'] as const) {
  test(`a build goes on when its attempt ends by ${reason}`, async () => {
    const input = await fixture.evaluated('ignored');
    const following = attempt(fixture.env, input);
    await until(async () => (await fixture.fleet.sleepers('ignored')).length === 1);
    following.environment.cancel('CANCELLED', new ActivityCancellationDetails({ [reason]: true }));
    await assert.rejects(following.verdict, CancelledFailure);
    await sleep(300);
    assert.equal((await fixture.fleet.sleepers('ignored')).length, 1);
    assert.equal(await fixture.fleet.buildsOf('ignored'), 1);
  });
}

test('of two runs that build one derivation one is cancelled, and the other one gets its build', async () => {
  const cancelled = attempt(fixture.env, await fixture.evaluated('shared', { run: 'run-cancelled' }));
  await until(async () => (await fixture.fleet.sleepers('shared')).length === 1);
  const input = await fixture.evaluated('shared', { run: 'run-other' });
  const other = attempt(fixture.env, input);
  await until(async () => (await readIdentity(fixture.recordOf(input))) !== null);
  cancelled.environment.cancel('CANCELLED', new ActivityCancellationDetails({ cancelRequested: true }));
  await assert.rejects(cancelled.verdict, CancelledFailure);
  assert.equal((await other.verdict).verdict, 'built');
});

test('an attempt that the server gave up while its process lives leaves the build to the attempt after it', async () => {
  const input = await fixture.evaluated('superseded');
  const first = attempt(fixture.env, input);
  await until(async () => (await fixture.fleet.sleepers('superseded')).length === 1);
  const second = attempt(fixture.env, input);
  await until(() => second.beats.some(({ phase }) => phase === 'building'));
  first.environment.cancel('CANCELLED', new ActivityCancellationDetails({ notFound: true }));
  await assert.rejects(first.verdict, CancelledFailure);
  assert.equal((await second.verdict).verdict, 'built');
  assert.equal(await fixture.fleet.buildsOf('superseded'), 1);
});

test('a clock that is set back by a day in mid-build ends no build and lengthens none', async (context) => {
  const input = await fixture.evaluated('set-back', { takeoverSeconds: 3 });
  const following = attempt(fixture.env, input);
  await until(async () => (await fixture.fleet.sleepers('set-back')).length === 1);
  context.mock.timers.enable({ apis: ['Date'], now: Date.now() - 86_400_000 });
  const verdict = await following.verdict;
  context.mock.timers.reset();
  assert.equal(verdict.verdict, 'built');
  assert.ok(verdict.seconds >= 5.2 && verdict.seconds < 100, `${verdict.seconds} s`);
  assert.equal(await fixture.fleet.buildsOf('set-back'), 1);
});

test("nobody's build ends itself when its lease is over, and starts again for the next attempt", async () => {
  const input = await fixture.evaluated('nobodys', { takeoverSeconds: 2 });
  const worker = await fixture.inProcess(input);
  await until(async () => (await fixture.fleet.sleepers('nobodys')).length === 1);
  worker.kill('SIGKILL');
  await until(async () => (await readStatus(fixture.recordOf(input))) !== null);
  assert.deepEqual(await fixture.fleet.sleepers('nobodys'), []);
  assert.equal((await readStatus(fixture.recordOf(input)))?.kind, 'lease');
  const again = attempt(fixture.env, input);
  await until(async () => (await fixture.fleet.sleepers('nobodys')).length === 1);
  again.environment.cancel();
  await assert.rejects(again.verdict, CancelledFailure);
});

test('a build whose supervisor alone was killed is followed to its end and not built twice', async () => {
  const input = await fixture.evaluated('orphaned');
  const following = attempt(fixture.env, input);
  await until(async () => (await fixture.fleet.sleepers('orphaned')).length === 1);
  process.kill((await readIdentity(fixture.recordOf(input)))?.pid ?? 0, 'SIGKILL');
  assert.equal((await following.verdict).verdict, 'built');
  assert.equal(await fixture.fleet.buildsOf('orphaned'), 1);
});

test('a build that was killed with its supervisor starts again', async () => {
  const input = await fixture.evaluated('lost');
  const following = attempt(fixture.env, input);
  await until(async () => (await fixture.fleet.sleepers('lost')).length === 1);
  process.kill(-((await readIdentity(fixture.recordOf(input)))?.pid ?? 0), 'SIGKILL');
  const verdict = await following.verdict;
  assert.equal(verdict.verdict, 'built');
  assert.equal(await fixture.fleet.buildsOf('lost'), 2);
  assert.match(await readFile(verdict.logPath ?? '', 'utf8'), /the build starts again/);
});

test('a Nix that was killed is a fault of the machine, and the builder that it left does not disturb the next start', async () => {
  // The first build user goes to another build, so that the second start gets another one than the first: else Nix itself
  // ends what is left of its user.
  const other = attempt(fixture.env, await fixture.evaluated('taker'));
  await until(async () => (await fixture.fleet.sleepers('taker')).length === 1);
  const input = await fixture.evaluated('left-behind');
  const following = attempt(fixture.env, input);
  await until(async () => (await fixture.fleet.sleepers('left-behind')).length === 1);
  assert.equal((await other.verdict).verdict, 'built');
  const supervisor = await readIdentity(fixture.recordOf(input));
  for (const { pid } of await descendants(supervisor?.pid ?? 0)) {
    const command = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    if (command.startsWith('nix')) process.kill(pid, 'SIGKILL');
  }
  await assert.rejects(
    following.verdict,
    /The machine, not the build, failed: (out of memory: )?Nix was ended by signal 9/,
  );
  // A daemon ends what its client leaves; without one it lives on until the next start.
  const left = process.env.NIX_REMOTE === 'daemon' ? 0 : 1;
  await until(async () => (await fixture.fleet.sleepers('left-behind')).length === left);
  assert.equal((await attempt(fixture.env, input).verdict).verdict, 'built');
  assert.equal(await fixture.fleet.buildsOf('left-behind'), 2);
});

test('a build that nobody saw end counts as built when its output is there, which gets a root', async () => {
  const input = await fixture.evaluated('quick', { run: 'run-unseen' });
  const record = fixture.recordOf(input);
  await attempt(fixture.env, input).verdict;
  for (const file of [record.status, record.verdict, record.result]) await rm(file);
  const before = await fixture.fleet.buildsOf('quick');
  assert.equal((await attempt(fixture.env, input).verdict).verdict, 'built');
  assert.equal((await readStatus(record))?.kind, 'valid');
  assert.equal(await linkTarget(record.result), input.evaluation.outPath);
  assert.equal(await fixture.fleet.buildsOf('quick'), before);
});

test('a build record of another boot, with a pid that somebody has now, is no running build', async () => {
  const input = await fixture.evaluated('quick', { run: 'run-boot' });
  const record = fixture.recordOf(input);
  await attempt(fixture.env, input).verdict;
  const identity = await readIdentity(record);
  await writeFile(record.identity, JSON.stringify({ ...identity, pid: process.pid, bootId: 'another', bootTime: 1 }));
  assert.equal(await isRunning(record), false);
  await writeFile(record.identity, JSON.stringify({ ...identity, pid: process.pid }));
  assert.equal(await isRunning(record), false);
});

test('a process that got the pid of a supervisor which is gone is not ended with its build', async () => {
  const input = await fixture.evaluated('quick', { run: 'run-reused' });
  const record = fixture.recordOf(input);
  await attempt(fixture.env, input).verdict;
  const nap = sleepOfOurOwn(335);
  const somebody = spawn('/bin/sleep', [nap], { detached: true, stdio: 'ignore' });
  try {
    await writeFile(record.identity, JSON.stringify({ ...(await readIdentity(record)), pid: somebody.pid }));
    await endCommand(record);
    assert.equal((await processesNamed('/bin/sleep', nap)).length, 1);
  } finally {
    somebody.kill('SIGKILL');
  }
});

test('a builder that says nothing for too long is a verdict', async () => {
  const nix = { options: [['max-silent-time', '1']] as const, impure: false, acceptFlakeConfig: false };
  const input = await fixture.evaluated('silent', { nix });
  const verdict = await attempt(fixture.env, input).verdict;
  assert.equal(verdict.verdict, 'timed-out');
  assert.match(verdict.error ?? '', /^building 'nixos-system-silent\.drv' timed out after 1 seconds/);
  assert.equal(verdict.failedDrv, input.evaluation.drvPath);
});

test('a derivation that was collected is evaluated again', async () => {
  const input = await fixture.evaluated('quick', { run: 'run-collected' });
  const gone = { ...input.evaluation, drvPath: input.evaluation.drvPath.replace(/\/[a-z0-9]{6}/, '/000000') };
  const verdict = await attempt(fixture.env, { ...input, evaluation: gone }).verdict;
  assert.equal(verdict.verdict, 'built');
  assert.equal(verdict.drvPath, input.evaluation.drvPath);
});

test('a closed run is let go: roots and records are gone, logs and verdicts stay', async () => {
  const input = await fixture.evaluated('quick', { run: 'run-closed' });
  const verdict = await attempt(fixture.env, input).verdict;
  const record = fixture.recordOf(input);
  await createForgetRun(fixture.env)({ run: 'run-closed' });
  await createForgetRun(fixture.env)({ run: 'run-closed' });
  assert.equal(await linkTarget(record.result), null);
  assert.equal(await readIdentity(record), null);
  await readFile(verdict.logPath ?? '');
  await readFile(record.verdict);
  const roots = await run('nix-store', ['--query', '--roots', '--', verdict.outPath ?? '']);
  assert.ok(!roots.stdout.includes('run-closed'));
});
