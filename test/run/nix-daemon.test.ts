import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noPrivateDaemon, runPrivately } from '../support/private-nix.js';
import { otherNixes } from '../support/tools.js';

const skip = await noPrivateDaemon();
const nixes = [{ name: 'the Nix of this machine', binDir: null }, ...otherNixes().slice(-1)];

for (const { name, binDir } of nixes) {
  test(
    `the main job of a user without rights, through the daemon of ${name}, while root collects garbage`,
    { skip },
    async () => {
      const finished = await runPrivately({ binDir, daemon: true });
      assert.equal(finished.exitCode, 0, finished.stdout + finished.stderr);
    },
  );
}
