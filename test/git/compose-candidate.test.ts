import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { commitFile } from '../../activities/git/commit.js';
import { createGitActivities } from '../../activities/git/index.js';
import { mirrorPath } from '../../activities/git/mirror.js';
import { withFleet } from '../support/fleet.js';
import { git } from '../support/git.js';
import { updateArguments } from '../support/nix-flake-update.js';
import { run } from '../../activities/command/process.js';
import { activityEnvironment, repositoryAt } from '../support/repository.js';

const person = { name: 'Lockkeeper', email: 'lockkeeper@example.org' };
const signature = { author: person, committer: person, date: 1_790_000_000 };

test('a lock that lags behind flake.nix is in line with it, whichever inputs are kept back', async (t) => {
  const fleet = await withFleet(t, { hosts: [{ name: 'web' }], inputs: ['alpha', 'beta', 'gamma'] });
  const env = activityEnvironment(fleet.root);
  const repository = repositoryAt(fleet.remote);
  const revision = await git(fleet.inputs.gamma ?? '', 'rev-parse', 'HEAD');
  const flake = await fleet.show('main', 'flake.nix');
  const pinned = flake.replace(/("gamma"\.url = "[^"]*)"/, `$1&rev=${revision}"`);
  assert.notEqual(pinned, flake);
  const base = await fleet.pushToMain({ 'flake.nix': `${pinned}\n` });
  for (const name of ['alpha', 'beta']) await fleet.moveInput(name);
  await git(fleet.checkout, 'pull', '--quiet');
  const nix = (...args: string[]) =>
    run('nix', ['--extra-experimental-features', 'nix-command flakes', ...args], { cwd: fleet.checkout });
  assert.equal((await nix(...(await updateArguments(['alpha', 'beta'])))).exitCode, 0);
  const content = await readFile(path.join(fleet.checkout, 'flake.lock'), 'utf8');
  const candidate = await commitFile(env, {
    ...{ repository, parent: base, path: 'flake.lock', content, message: 'Update\n' },
    ...signature,
  });

  const { composeCandidate } = createGitActivities(env);
  const update = await composeCandidate({ repository, candidate, move: ['alpha'], run: 'r', ...signature });
  assert.ok(update.kind === 'updated');
  assert.deepEqual(
    update.moved.map(({ name }) => name),
    ['alpha'],
  );
  const url = `git+file://${mirrorPath(env, repository)}?ref=refs/lockkeeper/${update.draft.head}&rev=${update.draft.head}`;
  const accepted = await nix('flake', 'metadata', '--no-update-lock-file', url);
  assert.equal(accepted.exitCode, 0, accepted.stderr);
});
