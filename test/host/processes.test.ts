import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../activities/command/process.js';
import { identify, isAlive } from '../../host/processes.js';
import type { ProcessIdentity } from '../../model/machine/state-directory.js';
import { namespace } from '../support/private-nix.js';

/** As containers do, and take it back for a service that has mounts of its own. */
const covered = (file: string): string[] => [
  ...namespace(),
  ...['sh', '-c', 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"', file],
];

const tried = await run('unshare', covered('/dev/null').concat('true'));
const skip = tried.exitCode === 0 ? false : `no boot id can be covered here: ${tried.stderr.trim()}`;
const SAY = `
  const { ownIdentity } = await import(process.argv[1]);
  console.log(JSON.stringify(await ownIdentity()));
  setInterval(() => undefined, 1000);
`;

test(
  'a process that sees another boot id than we, as in a container, is still the one that it was',
  { skip },
  async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'lockkeeper-boot-'));
    const file = path.join(folder, 'boot_id');
    await writeFile(file, '11111111-2222-4333-8444-555555555555\n');
    const say = [process.execPath, '--input-type=module', '-e', SAY, import.meta.resolve('../../host/processes.js')];
    const child = spawn('unshare', [...covered(file), ...say], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [text] = (await once(child.stdout, 'data')) as [Buffer];
      const identity = JSON.parse(text.toString()) as ProcessIdentity;
      assert.match(identity.bootId, /^1{8}-/);
      assert.equal(await isAlive(identity), true);
      assert.equal(await isAlive({ ...identity, bootTime: Number(identity.bootTime) - 60 }), false, 'another boot');
      assert.equal(await isAlive({ ...identity, startTime: '1' }), false, 'another process');
      const { bootTime, ...earlier } = identity;
      assert.ok(bootTime !== undefined);
      assert.equal(await isAlive(earlier), false, 'as earlier versions wrote it');
    } finally {
      child.kill();
      await rm(folder, { recursive: true });
    }
  },
);

test('a process that has ended is none, also while its parent has not asked how', async () => {
  // Whoever is replaced by sleep(1) never asks.
  const parent = spawn('sh', ['-c', 'sh -c "echo \\$\\$; read line" & exec sleep 60'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const [text] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(text.toString());
    // A shell gives /dev/null to what it starts in the background, so the child ends by itself.
    let found = await identify(pid);
    for (let tries = 0; found !== null && tries < 100; tries += 1) {
      await sleep(20);
      found = await identify(pid);
    }
    assert.equal(found, null);
    assert.match(await readFile(`/proc/${pid}/stat`, 'utf8'), /\) Z /, 'it is still listed');
  } finally {
    parent.kill('SIGKILL');
  }
});

const WITHOUT_FILES = `
  const { isAlive, ownIdentity } = await import(process.argv[1]);
  const { closeSync, openSync } = await import('node:fs');
  const self = await ownIdentity();
  const open = [];
  try { for (;;) open.push(openSync('/dev/null')); } catch (error) { console.log(error.code); }
  setTimeout(() => open.forEach(closeSync), 300);
  console.log(await isAlive(self));
`;

test('a process that cannot be looked at, because too many files are open, is not taken for one that has ended', async () => {
  const node = [process.execPath, '--input-type=module', '-e', WITHOUT_FILES];
  const args = ['-c', 'ulimit -n 50; exec "$@"', 'sh', ...node, import.meta.resolve('../../host/processes.js')];
  const { stdout, stderr } = await run('sh', args, { timeoutMs: 20_000 });
  assert.equal(stdout, 'EMFILE\ntrue\n', stderr);
});
