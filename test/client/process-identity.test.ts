import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import * as activities from '../../activities/command/process-tree.js';
import { run } from '../../activities/command/process.js';
import * as client from '../../client/server/process-identity.js';
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
    const say = [
      process.execPath,
      '--input-type=module',
      '-e',
      SAY,
      import.meta.resolve('../../activities/command/process-tree.js'),
    ];
    const child = spawn('unshare', [...covered(file), ...say], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [text] = (await once(child.stdout, 'data')) as [Buffer];
      const identity = JSON.parse(text.toString()) as ProcessIdentity;
      assert.match(identity.bootId, /^1{8}-/);
      for (const { isAlive } of [activities, client]) {
        assert.equal(await isAlive(identity), true);
        assert.equal(await isAlive({ ...identity, bootTime: Number(identity.bootTime) - 60 }), false, 'another boot');
        assert.equal(await isAlive({ ...identity, startTime: '1' }), false, 'another process');
        const { bootTime, ...earlier } = identity;
        assert.ok(bootTime !== undefined);
        assert.equal(await isAlive(earlier), false, 'as earlier versions wrote it');
      }
    } finally {
      child.kill();
      await rm(folder, { recursive: true });
    }
  },
);
