import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { noPrivateNix, runPrivately } from '../support/private-nix.js';
import { otherNixes } from '../support/tools.js';

const nixes = otherNixes();
const skip = nixes.length === 0 ? 'no other Nix: `node scripts/setup.mjs --tests` gets them' : await noPrivateNix();
const BUILDS = fileURLToPath(new URL('../nix/build.test.js', import.meta.url));

for (const { name, binDir } of nixes.length === 0 ? [{ name: 'another Nix', binDir: '' }] : nixes) {
  test(
    `the main job on ${name}: verdicts, comparison, landing, cancellation, and a worker that is killed`,
    { skip },
    async () => {
      const finished = await runPrivately({ binDir });
      assert.equal(finished.exitCode, 0, finished.stdout + finished.stderr);
    },
  );

  // A minute each, so `npm run test:full` alone.
  if (process.env.LOCKKEEPER_TEST_FULL === '1') {
    test(`builds on ${name} that are killed, cancelled, given up and attached to`, { skip }, async () => {
      const finished = await runPrivately({ binDir }, BUILDS);
      assert.equal(finished.exitCode, 0, finished.stdout + finished.stderr);
    });
  }
}
