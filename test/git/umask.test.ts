import assert from 'node:assert/strict';
import { chmod, stat } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { commitFile } from '../../activities/git/commit.js';
import { createLand } from '../../activities/git/land.js';
import { git } from '../support/git.js';
import { repositoryAt, withPlace } from '../support/repository.js';

// As the units of services have it, for all that this process starts.
process.umask(0o077);

const PERSON = { name: 'Lockkeeper', email: 'lockkeeper@example.org' };

test('a service lands files in a checkout with the rights that others have there, whatever its umask is', () =>
  withPlace(async ({ env, checkout, base }) => {
    await git(checkout, 'remote', 'remove', 'origin');
    const repository = repositoryAt(checkout, { local: true, checkout });
    const candidate = await commitFile(env, {
      ...{ path: 'hosts/athena.nix', content: '{ }\n', message: 'Update\n', date: 1_790_000_000 },
      ...{ author: PERSON, committer: PERSON, repository, parent: base },
    });
    const land = createLand(env);
    for (const [mode, file] of [
      [0o755, '644'],
      [0o775, '664'],
      [0o700, '600'],
    ] as const) {
      await git(checkout, 'reset', '--quiet', '--hard', base);
      await chmod(checkout, mode);
      const branch = 'flake-update-20261121';
      await land({ repository, candidate, mode: 'merge', instance: 'update', branch, fallbackBranch: `${branch}-1` });
      const modeOf = async (name: string): Promise<string> =>
        ((await stat(path.join(checkout, name))).mode & 0o777).toString(8);
      assert.deepEqual([await modeOf('hosts'), await modeOf('hosts/athena.nix')], [mode.toString(8), file]);
    }
  }));
