import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { noPrivateNix, runPrivately } from '../support/private-nix.js';
import { otherNixes } from '../support/tools.js';

const FULL_STORE = fileURLToPath(new URL('../support/full-store.js', import.meta.url));
const skip = await noPrivateNix();

for (const { name, binDir } of [{ name: 'the Nix of this machine', binDir: null }, ...otherNixes()]) {
  test(`a full disk in mid-build is no verdict on ${name}`, { skip }, async () => {
    const finished = await runPrivately({ binDir, megabytes: 30 }, FULL_STORE);
    assert.equal(finished.exitCode, 0, finished.stdout + finished.stderr);
  });
}
