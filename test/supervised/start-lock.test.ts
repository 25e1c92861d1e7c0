import assert from 'node:assert/strict';
import { readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { withStartLock } from '../../activities/supervised/start-lock.js';
import { wholeFile, withFolder } from '../support/scope.js';

const directory = await withFolder(wholeFile);

test('however many ask for the start lock at once, one has it at a time and all get it', async () => {
  let inside = 0;
  let most = 0;
  const takers = Array.from({ length: 20 }, () =>
    withStartLock(directory, async () => {
      inside += 1;
      most = Math.max(most, inside);
      await sleep(1);
      inside -= 1;
    }),
  );
  await Promise.all(takers);
  assert.equal(most, 1);
  assert.equal((await readdir(directory)).length, 1);
});

test('a lock is released when the work under it fails', async () => {
  await assert.rejects(
    withStartLock(directory, () => Promise.reject(new Error('no'))),
    /no/,
  );
  assert.equal(await withStartLock(directory, () => Promise.resolve(1)), 1);
});

test('a lock of a dead process, of another boot, or cut off, is taken over', async () => {
  for (const content of [
    JSON.stringify({ pid: 1, bootId: 'another', startTime: '1' }),
    JSON.stringify({ pid: 2 ** 22 + 1, bootId: 'x', startTime: '1' }),
    '{"pid":',
  ]) {
    await writeFile(path.join(directory, 'start.lock.1000'), content);
    assert.equal(await withStartLock(directory, () => Promise.resolve(2)), 2);
    for (const name of await readdir(directory)) await rm(path.join(directory, name));
  }
});
