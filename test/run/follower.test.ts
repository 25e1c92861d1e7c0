import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { run } from '../../activities/command/process.js';
import { readPathInfo } from '../../model/closure/path-info.js';
import type { Report } from '../../model/report/data.js';
import { withFleet } from '../support/fleet.js';
import { openFollower } from '../support/follower.js';
import { git } from '../support/git.js';
import { withSecretKey } from '../support/put-cache.js';
import { withServedHouse } from '../support/runs.js';
import { wholeFile, withFolder } from '../support/scope.js';
import { missing } from '../support/tools.js';

const { house } = await withServedHouse(wholeFile);

test(
  'a host with a store of its own gets each verified system from the cache, builds nothing, never goes back, and tells of an old channel',
  { skip: missing('jq') },
  async (t) => {
    const fleet = await withFleet(t, { hosts: [{ name: 'athena' }], selfRev: true });
    const [cache, host, key] = [await withFolder(t), await withFolder(t), await withSecretKey(t)];
    const { follow, at, calls, env } = await openFollower(host, {
      flake: `git+file://${fleet.remote}?ref=nixos-tested-athena`,
      host: 'athena',
      env: {
        // A store that nobody has built anything in, below a folder, and its only cache.
        NIX_REMOTE: path.join(host, 'root'),
        NIX_CONFIG: `substituters = file://${cache}\ntrusted-public-keys = ${key.trusted}\nsandbox = false`,
      },
    });
    const verify = async (): Promise<Report> => {
      const { stdout, stderr } = await house.lockkeeper([
        ...['verify', fleet.checkout, '--json', '--channel', 'nixos-tested-{host}'],
        ...['--cache', `file://${cache} secretKeyFile=${key.file}`],
      ]);
      assert.notEqual(stdout, '', stderr);
      return JSON.parse(stdout) as Report;
    };
    const mainMoves = async (text: string, daysAgo = 0): Promise<string> => {
      const date = new Date(Date.now() - daysAgo * 24 * 60 * 60 * 1000).toISOString();
      const words = [
        '-C',
        fleet.checkout,
        '-c',
        'user.name=a',
        '-c',
        'user.email=a@b',
        'commit',
        '--quiet',
        '--allow-empty',
      ];
      const made = await run('git', [...words, '--message', text], {
        env: { ...process.env, GIT_COMMITTER_DATE: date },
      });
      assert.equal(made.exitCode, 0, made.stderr);
      await git(fleet.checkout, 'push', '--quiet', 'origin', 'HEAD:main');
      return await git(fleet.checkout, 'rev-parse', 'HEAD');
    };

    const first = (await verify()).head;
    const pulled = await follow();
    assert.equal(pulled.exitCode, 0, pulled.stderr);
    assert.equal(await at(), first);

    const second = await mainMoves('Not verified yet');
    assert.match((await follow()).stderr, new RegExp(`is at ${String(first)} already`));
    assert.equal((await verify()).head, second);
    assert.equal((await follow()).exitCode, 0);
    assert.equal(await at(), second);

    await git(fleet.checkout, 'push', '--quiet', '--force', 'origin', `${String(first)}:nixos-tested-athena`);
    const back = await follow();
    assert.equal(back.exitCode, 1);
    assert.match(back.stderr, /it does not go back in time/);
    assert.equal(await at(), second);
    await git(fleet.checkout, 'push', '--quiet', '--force', 'origin', `${second}:nixos-tested-athena`);

    assert.equal((await follow({ FOLLOW_MAX_AGE_DAYS: '3' })).exitCode, 0);
    const third = await mainMoves('Four days ago', 4);
    await verify();
    const old = await follow({ FOLLOW_MAX_AGE_DAYS: '3' });
    assert.equal(old.exitCode, 1);
    assert.match(old.stderr, /is at a commit that is 4 days old, and this host allows 3: see why nothing moves it/);
    assert.equal(await at(), third, 'it is applied all the same');

    const called = await calls();
    assert.equal(called.length, 3);
    for (const call of called) assert.match(call, /--max-jobs 0 --builders/);
    const words = ['--extra-experimental-features', 'nix-command', 'path-info', '--json', '--all'];
    const known = await run('nix', words, { env });
    const paths = readPathInfo(known.stdout).filter(({ deriver }) => deriver !== null);
    assert.ok(paths.length > 0, known.stderr);
    assert.deepEqual(
      paths.filter(({ isBuiltHere }) => isBuiltHere),
      [],
    );
  },
);
