import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { noPrivateNix, runPrivately } from '../support/private-nix.js';
import { otherNixes } from '../support/tools.js';

const HOST_WORDS = fileURLToPath(new URL('../support/host-words.js', import.meta.url));
const skip = await noPrivateNix();

for (const { name, binDir } of [{ name: 'the Nix of this machine', binDir: null }, ...otherNixes()]) {
  test(`a host whose error sounds like a machine in trouble is broken, on ${name}`, { skip }, async () => {
    const finished = await runPrivately({ binDir }, HOST_WORDS);
    assert.equal(finished.exitCode, 0, finished.stdout + finished.stderr);
  });
}
