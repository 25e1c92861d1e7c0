import assert from 'node:assert/strict';

import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createRunGate } from '../../activities/gate/run-gate.js';
import { createReadLog } from '../../activities/supervised/read-log.js';
import { startSupervised } from '../../activities/supervised/start.js';
import { follow } from '../../activities/supervised/follow.js';
import { openRecord } from '../../activities/supervised/record.js';
import { readEnd } from '../../activities/supervised/log.js';
import type { BuildHeartbeat, GateInput } from '../../model/contract/verification.js';
import type { Verdict } from '../../model/verify/verdict.js';
import { timeLimit } from '../../host/time-limit.js';
import { git } from '../support/git.js';
import { attempt, withBuildFixture, until } from '../support/build-runner.js';
import { withPlace, type Place } from '../support/repository.js';

const MB = 1024 ** 2;

/** Runs a script as a gate of the commit that main is at. */
async function gate(place: Place, script: string, beats: BuildHeartbeat[] = []): Promise<Verdict> {
  const head = await git(place.remote, 'rev-parse', 'main');
  const input: GateInput = {
    run: 'run-1',
    repository: place.repository,
    candidate: { base: head, head, bundle: '' },
    gate: {
      kind: 'gate',
      name: 'lint',
      check: { kind: 'command', words: ['sh', '-c', script] },
      timeoutSeconds: 600,
    },
    nix: { options: [], impure: false, acceptFlakeConfig: false },
    takeoverSeconds: 600,
  };
  const environment = new MockActivityEnvironment();
  environment.on('heartbeat', (beat: BuildHeartbeat) => beats.push(beat));
  const activity = createRunGate(place.env);
  return await environment.run<[GateInput], Verdict, typeof activity>(activity, input);
}

/** Calls something again and again while something else goes on. */
async function meanwhile<T>(work: Promise<T>, look: () => Promise<void>): Promise<T> {
  const over = work.then(
    () => true,
    () => true,
  );
  while (!(await Promise.race([over, sleep(100, false)]))) await look();
  return await work;
}

async function wholeLog(
  place: Place,
  logPath: string,
): Promise<{ bytes: number; first: string; last: string; leftOut: string[] }> {
  const read = createReadLog(place.env);
  let [bytes, offset, first, last] = [0, 0, '', ''];
  const leftOut: string[] = [];
  for (;;) {
    const { text, nextOffset } = await read({ logPath, offset, limit: 512 * 1024 });
    if (nextOffset === offset) return { bytes, first, last, leftOut };
    if (text.includes('== lockkeeper:')) leftOut.push(text.trim());
    else bytes += text.length;
    if (offset === 0) first = text.slice(0, 1000);
    last = (last + text).slice(-1000);
    offset = nextOffset;
  }
}

test('gigabytes of output and a line of 500 MB take a bounded part of disk and memory, and the end is judged', async () => {
  await withPlace(async (place) => {
    const beats: BuildHeartbeat[] = [];
    const before = process.memoryUsage().rss;
    let memory = 0;
    const verdict = await meanwhile(
      gate(
        place,
        `echo first; yes 'a line as builders print them by the thousand' | head -c 3000000000; echo
         head -c 500000000 /dev/zero | tr '\\0' x; echo; echo 'error: the last word' >&2; exit 3`,
        beats,
      ),
      async () => {
        memory = Math.max(memory, process.memoryUsage().rss - before);
        await Promise.resolve();
      },
    );
    assert.deepEqual([verdict.verdict, verdict.error], ['build-failed', 'status 3: the last word']);
    assert.match(verdict.logTail ?? '', /the last word$/);
    assert.ok(Buffer.byteLength(JSON.stringify(verdict)) < 64 * 1024);
    assert.ok(beats.every((beat) => Buffer.byteLength(JSON.stringify(beat)) < 4096));
    const logPath = verdict.logPath ?? '';
    const { size, blocks } = await stat(logPath);
    assert.ok(size > 3.5e9, `${size}`);
    assert.ok(blocks * 512 < 300 * MB, `${blocks * 512} bytes of disk`);
    const log = await wholeLog(place, logPath);
    assert.ok(log.bytes < 300 * MB && log.bytes > 200 * MB, `${log.bytes}`);
    assert.match(log.first, /^first\na line as/);
    assert.match(log.last, /x\nerror: the last word\n$/);
    assert.equal(log.leftOut.length, 1);
    assert.match(log.leftOut[0] ?? '', /^== lockkeeper: 3\.0 GiB of the log are left out here ==$/);
    assert.ok(memory < 200 * MB, `${memory} bytes of memory`);
  });
});

test('a gate that changes a hundred megabytes has found something, though nobody can read it', async () => {
  await withPlace(async (place) => {
    const { verdict, error, logTail } = await gate(place, `yes '# more' | head -c 100000000 >> flake.nix`);
    assert.deepEqual([verdict, error], ['build-failed', 'it changes a file: flake.nix']);
    assert.match(logTail ?? '', /git diff has printed more than can be read/);
  });
});

test('a log is kept within its bounds also while no worker is there, and attached to afterwards', async () => {
  await withPlace(async ({ env: { state } }) => {
    const owner = {
      run: 'run-1',
      namespace: 'default',
      head: 'a'.repeat(40),
      target: { kind: 'nixos', name: 'a' },
    } as const;
    const record = await openRecord(path.join(state.builds, 'run-1', 'alone'), owner);
    const script = `yes 'nobody reads this' | head -c 800000000; sleep 3; echo; echo the last word; exit 3`;
    await startSupervised(record, { what: 'test', command: ['sh', '-c', script], env: process.env, leaseSeconds: 60 });
    const look = (): Promise<Stats | null> => stat(record.log).catch(() => null);
    const isSmall = (found: Stats | null): boolean => (found?.blocks ?? 0) * 512 < 300 * MB;
    // Also before it ends: the supervisor looks each second.
    await until(async () => {
      const found = await look();
      return (found?.size ?? 0) >= 800e6 && isSmall(found);
    });
    const status = await follow(record, {
      leaseSeconds: 60,
      signal: timeLimit(60_000),
      onProgress: () => undefined,
    });
    assert.deepEqual([status?.kind, status?.code], ['exit', 3]);
    assert.match(await readEnd(record.log, 1000), /nobody reads this\n.*\nthe last word\n$/);
    assert.ok(isSmall(await look()));
  });
});

/** Nix takes minutes for half a gigabyte. */
const LINE = process.env.LOCKKEEPER_TEST_FULL === undefined ? 30e6 : 500e6;

test('a build that prints an endless line fails by its own words, and nobody holds the line in memory', async (t) => {
  const fixture = await withBuildFixture(t, {
    hosts: [{ name: 'loud', fail: 'build', longLog: { lines: 1, width: LINE } }],
  });
  const before = process.memoryUsage().rss;
  let memory = 0;
  const nix = { options: [['compress-build-log', 'false']], impure: false, acceptFlakeConfig: false } as const;
  const { verdict } = attempt(fixture.env, await fixture.evaluated('loud', { nix }));
  const found = await meanwhile(verdict, async () => {
    memory = Math.max(memory, process.memoryUsage().rss - before);
    await Promise.resolve();
  });
  assert.equal(found.error, "builder for 'nixos-system-loud.drv' failed with exit code 7");
  assert.match(found.logTail ?? '', /error: option boot.loader of loud is gone$/);
  assert.ok(Buffer.byteLength(JSON.stringify(found)) < 64 * 1024);
  const { size, blocks } = await stat(found.logPath ?? '');
  assert.ok(size > LINE, `${size}`);
  assert.ok(blocks * 512 < 300 * MB, `${blocks * 512} bytes of disk`);
  assert.ok(memory < 200 * MB, `${memory} bytes of memory`);
});
