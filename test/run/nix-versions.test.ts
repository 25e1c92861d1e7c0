import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noPrivateNix, runMainJob } from '../support/private-nix.js';
import { otherNixes } from '../support/tools.js';

const nixes = otherNixes();
const skip = nixes.length === 0 ? 'no other Nix: `node scripts/setup.mjs --tests` gets them' : await noPrivateNix();

for (const { name, binDir } of nixes.length === 0 ? [{ name: 'another Nix', binDir: '' }] : nixes) {
  test(
    `the main job on ${name}: verdicts, comparison, landing, cancellation, and a worker that is killed`,
    { skip },
    async () => {
      const finished = await runMainJob({ binDir });
      assert.equal(finished.exitCode, 0, finished.stdout + finished.stderr);
    },
  );
}
