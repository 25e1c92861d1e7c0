import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Finished } from '../../activities/command/process.js';
import { noPrivateDaemon, runPrivately } from '../support/private-nix.js';
import { missing, otherNixes } from '../support/tools.js';

/** The tests of agents, and of gates on what they wrote, once more: as an ordinary user, with another Nix, and where there is no bubblewrap. */

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const SANDBOX = file('sandbox.test.js');
const LIMITS = file('limits.test.js');
const GATES = file('../gate/agent-change.test.js');

const skip = await noPrivateDaemon();
const noSandbox = skip === false ? (missing('bwrap') === false ? missing('slirp4netns') : missing('bwrap')) : skip;
const nixes = [{ name: 'the Nix of this machine', binDir: null }, ...otherNixes().slice(-1)];

/** @param passed tests of the file that have to pass */
function assertPassed({ exitCode, stdout, stderr }: Finished, passed: number): void {
  assert.equal(exitCode, 0, stdout + stderr);
  assert.match(stdout, new RegExp(`^\\S+ pass ${passed}$`, 'm'));
}

for (const { name, binDir } of nixes)
  test(`the sandbox keeps an agent of an ordinary user, with ${name}`, { skip: noSandbox }, async () => {
    // All but the one in which root makes another machine to be reached.
    assertPassed(await runPrivately({ binDir, daemon: true }, SANDBOX), 5);
  });

test('the limits keep an agent of an ordinary user', { skip: noSandbox }, async () => {
  // Nix collects no garbage while a process works in a folder whose path is longer than the system takes.
  const others = 'is ended at its limit of (?!files|depth)';
  assertPassed(await runPrivately({ binDir: null, daemon: true }, LIMITS, others), 4);
});

test('gates keep what an agent wrote from what is an ordinary user’s', { skip: noSandbox }, async () => {
  // Formatter and checks are built, for which the daemon needs its sandbox.
  assertPassed(await runPrivately({ binDir: null, daemon: true }, GATES, ' gate '), 5);
});

test(
  'formatter and checks that an agent wrote are kept so as well, where the daemon of an ordinary user has its sandbox',
  { skip: noSandbox },
  async () => {
    assertPassed(await runPrivately({ binDir: null, daemon: true, sandbox: true }, GATES, 'formatter and checks'), 1);
  },
);

/** Runs something with all programs of the PATH but one. */
async function without<T>(program: string, work: () => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'lockkeeper-path-'));
  await chmod(folder, 0o755);
  const { PATH = '' } = process.env;
  try {
    for (const each of PATH.split(path.delimiter))
      for (const name of await readdir(each).catch(() => []))
        if (name !== program) await symlink(path.join(each, name), path.join(folder, name)).catch(() => undefined);
    process.env.PATH = folder;
    return await work();
  } finally {
    process.env.PATH = PATH;
    await rm(folder, { recursive: true, force: true });
  }
}

test(
  'without bubblewrap an ordinary user’s agent works with the machine’s network alone, and is judged all the same',
  { skip },
  () =>
    without('bwrap', async () => {
      const { PATH = '' } = process.env;
      assert.equal(existsSync(path.join(PATH, 'bwrap')), false);
      assertPassed(
        await runPrivately({ binDir: null, daemon: true }, LIMITS, ': (?:bytes|special, note|many:900)$'),
        3,
      );
    }),
);
