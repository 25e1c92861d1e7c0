import assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { run as command } from '../../activities/command/process.js';
import type { Report } from '../../model/report/data.js';
import { createFleet } from '../support/fleet.js';
import { openHouse, until, withHouse, type House } from '../support/lockkeeper.js';

const { exitCode: mounts } = await command('unshare', ['--mount', 'true']);
const skip = mounts === 0 ? false : 'no right to mount: needs root and unshare';

interface Ended {
  readonly status: number | string;
  readonly output: string;
}

/** Runs a command of a house to its end. */
async function ended(house: House, args: readonly string[], state: string): Promise<Ended> {
  const running = house.start(args, { env: { LOCKKEEPER_STATE_DIR: state } });
  return { status: await running.ended, output: running.output() };
}

/** The commands that only look, and a decision, work; one that would have to start something says why it cannot. */
async function assertLooksAndApproves(house: House, state: string, run: string): Promise<void> {
  for (const [args, shown] of [
    [['list'], run],
    [['status', run], 'waiting'],
    [['doctor'], 'server'],
    [['approve', run, '--yes'], 'Approved'],
    [['watch', run, '--json'], '"landed"'],
    [['report', run], 'Landed'],
  ] as const) {
    const { status, output } = await ended(house, args, state);
    assert.ok(output.includes(shown), `${args[0]}: ${output}`);
    if (args[0] !== 'doctor') assert.equal(status, 0, `${args[0]}: ${output}`);
  }
}

test('on a read-only state directory commands look and approve while server and worker run', { skip }, async (t) => {
  const [house, fleet] = [await openHouse(), await createFleet({ hosts: [{ name: 'athena' }] })];
  const readOnly = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" "$0" && exec "$@"';
  const outside = await withHouse(t, { startedBy: ['unshare', '--mount', 'sh', '-c', readOnly, house.root] });
  try {
    await fleet.moveInput('alpha');
    await house.dev();
    const update = house.start(['update', fleet.checkout, '--approve']);
    await until(async () => (await house.lockkeeper(['list'])).stdout.includes('waiting for approval'), 60_000);
    const [{ run }] = JSON.parse((await house.lockkeeper(['list', '--json'])).stdout) as [{ run: string }];
    await assertLooksAndApproves(outside, house.state.root, run);
    assert.equal(await update.ended, 0, update.output());
    const none = await ended(outside, ['list'], join(house.root, 'none'));
    assert.equal(none.status, 0, none.output);
    for (const pid of [(await house.worker()).pid, (await house.server()).keeper.pid]) process.kill(pid, 'SIGKILL');
    process.kill((await house.server()).server.pid, 'SIGKILL');
    const refused = await ended(outside, ['list'], house.state.root);
    assert.match(refused.output, /The state directory \S+ is on a read-only file system: mount it for writing/);
    const { output } = await ended(outside, ['doctor'], house.state.root);
    assert.match(output, /state directory +\S+ is on a read-only file system[^]*mount it for writing/);
    assert.doesNotMatch(output, /chmod/);
    const kept = await ended(outside, ['report', run, '--json'], house.state.root);
    assert.equal((JSON.parse(kept.output) as Report).outcome, 'landed', 'the report is on this machine');
  } finally {
    await house.close();
    await fleet.cleanup();
  }
});

test('on a full disk commands look while server and worker run', { skip }, async (t) => {
  const [place, fleet] = [await openHouse(), await createFleet({ hosts: [{ name: 'athena' }] })];
  const small = 'mkdir -p "$0" && mount -t tmpfs -o size=64m,mode=700 tmpfs "$0" && exec "$@"';
  const disk = await withHouse(t, { startedBy: ['unshare', '--mount', 'sh', '-c', small, place.state.root] });
  let inside: House | null = null;
  try {
    await fleet.moveInput('alpha');
    const dev = disk.start(['dev'], { env: { LOCKKEEPER_STATE_DIR: place.state.root } });
    await until(() => dev.output().includes('the worker is ready'), 60_000, dev.output);
    inside = await openHouse({ startedBy: ['nsenter', `--mount=/proc/${dev.pid}/ns/mnt`] });
    const house = inside;
    const update = house.start(['update', fleet.checkout, '--approve'], {
      env: { LOCKKEEPER_STATE_DIR: place.state.root },
    });
    const listed = (): Promise<Ended> => ended(house, ['list', '--json'], place.state.root);
    await until(async () => (await listed()).output.includes('waiting for approval'), 60_000, update.output);
    const [{ run }] = JSON.parse((await listed()).output) as [{ run: string }];
    const root = `/proc/${dev.pid}/root${place.state.root}`;
    await fill(join(root, 'filler'));
    for (const args of [['list'], ['status', run], ['doctor']]) {
      const { output } = await ended(house, args, place.state.root);
      assert.ok(output.includes(args[0] === 'doctor' ? 'worker here' : run.slice(0, 12)), output);
    }
    const watch = house.start(['watch', run], { env: { LOCKKEEPER_STATE_DIR: place.state.root } });
    await until(() => watch.output().includes('waiting for approval'), 30_000, watch.output);
    process.kill(watch.pid, 'SIGINT');
    await watch.ended;
    // The server's own disk is the full one: a decision ends, with the reason.
    for (const decision of ['approve', 'reject']) {
      const { status, output } = await ended(house, [decision, run, '--yes'], place.state.root);
      assert.notEqual(status, 0, output);
      assert.match(output, /"lockkeeper doctor"[^]*\bdisk\b|\bdisk\b[^]*"lockkeeper doctor"/);
    }
  } finally {
    await inside?.close();
    await place.close();
    await fleet.cleanup();
  }
});

/** Writes until nothing more fits. */
async function fill(file: string): Promise<void> {
  const handle = await open(file, 'w');
  try {
    for (const size of [1024 * 1024, 4096]) {
      const block = Buffer.alloc(size);
      for (;;) await handle.write(block);
    }
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
  } finally {
    await handle.close();
  }
}
