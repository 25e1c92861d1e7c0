import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { noPrivateDaemon, runPrivately } from '../support/private-nix.js';
import { otherNixes } from '../support/tools.js';

const skip = await noPrivateDaemon();
const nixes = [{ name: 'the Nix of this machine', binDir: null }, ...otherNixes().slice(-1)];
const BUILDS = fileURLToPath(new URL('../nix/build.test.js', import.meta.url));
const CHANGES = fileURLToPath(new URL('../nix/agent-change.test.js', import.meta.url));
/** What a client of the daemon sees in another way: `npm run test:full` plays all. */
const OTHERWISE = 'supervisor alone|a Nix that was killed|says nothing for too long';
const FULL = process.env.LOCKKEEPER_TEST_FULL === '1';

for (const { name, binDir } of nixes) {
  test(
    `the main job of a user without rights, through the daemon of ${name}, while root collects garbage`,
    { skip },
    async () => {
      const finished = await runPrivately({ binDir, daemon: true });
      assert.equal(finished.exitCode, 0, finished.stdout + finished.stderr);
    },
  );

  test(`what an agent changed, through the daemon of ${name}, which builds without a sandbox`, { skip }, async () => {
    const finished = await runPrivately({ binDir, daemon: true }, CHANGES, 'by a daemon without a sandbox');
    assert.equal(finished.exitCode, 0, finished.stdout + finished.stderr);
    assert.match(finished.stdout, /^. pass 1$/m);
  });

  if (FULL || binDir === null)
    test(
      `builds of a user without rights that are killed, given up and lost, through the daemon of ${name}`,
      { skip },
      async () => {
        const finished = await runPrivately({ binDir, daemon: true }, BUILDS, FULL ? undefined : OTHERWISE);
        assert.equal(finished.exitCode, 0, finished.stdout + finished.stderr);
      },
    );
}
