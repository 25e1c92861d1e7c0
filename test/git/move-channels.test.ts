import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import { readLook } from '../../host/channel-looks.js';
import { TARGET_GONE } from '../../model/channels/look.js';
import { createMoveChannels } from '../../activities/git/move-channels.js';
import { channelWords, type ChannelMove } from '../../model/channels/move.js';
import type { MoveChannelsInput } from '../../model/contract/landing.js';
import { openFollower } from '../support/follower.js';
import { commitFiles, git } from '../support/git.js';
import { missing } from '../support/tools.js';
import { activityEnvironment, repositoryAt, withPlace, type Place } from '../support/repository.js';

const HOSTS = ['athena', 'delos', 'rhea'];
const TEMPLATE = 'tested-{host}';

/** As a worker does it, which takes heartbeats. */
const look = (
  { env, repository }: Pick<Place, 'env' | 'repository'>,
  commit: string,
  channels: MoveChannelsInput['channels'],
  more: Pick<MoveChannelsInput, 'template'> = {},
): Promise<readonly ChannelMove[]> =>
  new MockActivityEnvironment().run(() => createMoveChannels(env)({ repository, commit, channels, ...more }));

const move = (place: Pick<Place, 'env' | 'repository'>, commit: string, hosts: readonly string[] = HOSTS) =>
  look(
    place,
    commit,
    hosts.map((target) => ({ target, branch: `tested-${target}` })),
  );

const words = (moves: readonly ChannelMove[]): readonly string[] =>
  moves.map((each) => `${each.branch} ${each.outcome}: ${channelWords(each)}`);

const at = (place: Place, host: string) => git(place.remote, 'rev-parse', `refs/heads/tested-${host}`);

/** A commit of main that is on the remote. */
async function pushed(place: Place, name: string): Promise<string> {
  const commit = await commitFiles(place.checkout, { [name]: name }, name);
  await git(place.checkout, 'push', '--quiet', 'origin', 'HEAD:main');
  return commit;
}

async function hook(place: Place, name: string, script: string): Promise<void> {
  const file = path.join(place.remote, 'hooks', name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
}

const short = (commit: string): string => commit.slice(0, 12);

test('channels are made, move forward and never back, and moving them again changes nothing', () =>
  withPlace(async (place) => {
    assert.deepEqual(words(await move(place, place.base, ['athena'])), [
      `tested-athena moved: made at ${short(place.base)}`,
    ]);
    const [one, two] = [await pushed(place, 'one'), await pushed(place, 'two')];
    assert.deepEqual(words(await move(place, two, ['athena', 'rhea'])), [
      `tested-athena moved: ${short(place.base)} → ${short(two)}`,
      `tested-rhea moved: made at ${short(two)}`,
    ]);
    assert.deepEqual(words(await move(place, one)), [
      `tested-athena past: at ${short(two)}, which is newer`,
      `tested-delos moved: made at ${short(one)}`,
      `tested-rhea past: at ${short(two)}, which is newer`,
    ]);
    const stays = { target: 'delos', branch: 'tested-delos', stays: 'delos is broken' };
    const looked = await look(place, two, [stays]);
    assert.deepEqual(words(looked), [`tested-delos not-moved: stays at ${short(one)}: delos is broken`]);
    const settled = (await move(place, two)).map(({ outcome }) => outcome);
    assert.deepEqual(
      [settled, await Promise.all(HOSTS.map((host) => at(place, host)))],
      [
        ['there', 'moved', 'there'],
        [two, two, two],
      ],
    );
    assert.equal(await git(place.remote, 'rev-parse', 'main'), two);
  }));

test('a channel that the remote denies stops no other one, whichever hook denies it', () =>
  withPlace(async (place) => {
    const deny = 'case "$ref" in *delos) echo "delos is frozen" >&2; exit 1;; esac';
    for (const [name, script] of [
      ['update', `ref=$1; ${deny}`],
      ['pre-receive', `while read -r old new ref; do ${deny}; done`],
    ] as const) {
      await hook(place, name, script);
      const commit = await pushed(place, name);
      const [athena, delos, rhea] = await move(place, commit);
      assert.deepEqual([athena?.outcome, rhea?.outcome], ['moved', 'moved']);
      assert.equal(delos?.outcome, 'not-moved');
      assert.match(delos.reason ?? '', /^the remote refused it: .*delos is frozen/);
      assert.deepEqual([await at(place, 'athena'), await at(place, 'rhea')], [commit, commit]);
      await hook(place, name, 'exit 0');
    }
    await assert.rejects(at(place, 'delos'));
  }));

test('where channels are after a move is kept for pages: how far behind, since when and why, also of those that this run does not name', () =>
  withPlace(async (place) => {
    const { remote, env, repository } = place;
    await move(place, place.base, ['athena', 'delos']);
    await git(remote, 'branch', 'tested-gone', place.base);
    const one = await pushed(place, 'one');
    const seen = async () => {
      const about = { repository: repository.displayUrl, mainBranch: 'main', template: TEMPLATE };
      const { channels = [], main } = (await readLook(env.state, about)) ?? {};
      return { main, rows: channels.map(({ branch, commit, behind, why }) => [branch, commit, behind, why]), channels };
    };
    const stays = { target: 'delos', branch: 'tested-delos', stays: 'delos is broken' };
    const never = { target: 'naxos', branch: 'tested-naxos', stays: 'naxos is broken' };
    await look(place, one, [{ target: 'athena', branch: 'tested-athena' }, stays, never], { template: TEMPLATE });
    const first = await seen();
    assert.deepEqual(
      [first.main, first.rows],
      [
        one,
        [
          ['tested-athena', one, 0, null],
          ['tested-delos', place.base, 1, 'delos is broken'],
          ['tested-gone', place.base, 1, 'no run has moved it that this machine has a report of'],
          ['tested-naxos', null, null, 'naxos is broken'],
        ],
      ],
    );
    const since = ({ channels }: Awaited<ReturnType<typeof seen>>, branch: string) =>
      channels.find((each) => each.branch === branch)?.since ?? null;
    assert.equal(since(first, 'tested-athena'), null);
    await pushed(place, 'two');
    await look(place, one, [{ target: 'athena', branch: 'tested-athena' }, stays, never], { template: TEMPLATE });
    const second = await seen();
    assert.deepEqual(second.rows.slice(0, 3), [
      ['tested-athena', one, 1, 'newer commits of main are not verified yet'],
      ['tested-delos', place.base, 2, 'delos is broken'],
      ['tested-gone', place.base, 2, TARGET_GONE],
    ]);
    for (const branch of ['tested-delos', 'tested-naxos'])
      assert.deepEqual([since(second, branch), since(first, branch) === null], [since(first, branch), false]);
  }));

test('a main that lost commits moves nothing, and says which commit', () =>
  withPlace(async (place) => {
    const verified = await pushed(place, 'verified');
    await move(place, verified, ['athena']);
    await git(place.checkout, 'reset', '--quiet', '--hard', place.base);
    const other = await commitFiles(place.checkout, { other: 'other' }, 'other');
    await git(place.checkout, 'push', '--quiet', '--force', 'origin', 'HEAD:main');

    const late = await move(place, verified, ['athena', 'rhea']);
    assert.deepEqual(
      late.map(({ outcome, from, lost }) => [outcome, from, lost]),
      [
        ['not-moved', verified, verified],
        ['not-moved', null, verified],
      ],
    );
    const [athena, rhea] = await move(place, other, ['athena', 'rhea']);
    assert.deepEqual([athena?.outcome, athena?.lost, rhea?.outcome], ['not-moved', verified, 'moved']);
    const [rewound] = await move(place, place.base, ['athena']);
    assert.deepEqual([rewound?.outcome, rewound?.lost], ['not-moved', verified]);
    assert.equal(await at(place, 'athena'), verified);
  }));

test('movers of two machines that race end at the newest commit, and no channel ever goes back', () =>
  withPlace(async (place) => {
    const log = path.join(place.root, 'moves');
    await hook(place, 'update', `case "$1" in *tested*) echo "$1 $2 $3" >>${log};; esac`);
    const commits: string[] = [];
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) commits.push(await pushed(place, name));
    const machines = [place.env, activityEnvironment(path.join(place.root, 'other'))];
    const moves = await Promise.all(
      machines.flatMap((env) => [...commits].reverse().map((commit) => move({ ...place, env }, commit))),
    );
    const newest = commits.at(-1) ?? '';
    assert.deepEqual(await Promise.all(HOSTS.map((host) => at(place, host))), [newest, newest, newest]);
    assert.deepEqual(
      moves.flat().filter(({ outcome }) => outcome === 'not-moved'),
      [],
    );
    for (const line of (await readFile(log, 'utf8')).trim().split('\n')) {
      const [, from = '', to = ''] = line.split(' ');
      if (!/^0+$/.test(from)) await git(place.remote, 'merge-base', '--is-ancestor', from, to);
    }
  }));

test('in a repository without a remote a channel that is checked out stays, and the others move', () =>
  withPlace(async (place) => {
    const local = { ...place, repository: repositoryAt(place.checkout, { local: true }) };
    await git(place.checkout, 'branch', 'tested-rhea');
    await git(place.checkout, 'worktree', 'add', '--quiet', path.join(place.root, 'tree'), 'tested-rhea');
    const commit = await commitFiles(place.checkout, { one: 'one' }, 'one');
    const [athena, rhea] = await move(local, commit, ['athena', 'rhea']);
    assert.deepEqual([athena?.outcome, rhea?.outcome, rhea?.from], ['moved', 'not-moved', place.base]);
    assert.match(rhea?.reason ?? '', /^is checked out at /);
    assert.equal(await git(place.checkout, 'rev-parse', 'tested-athena'), commit);
  }));

/** A host whose system is a file, which needs no builder; what is missing of it cannot be built. */
const FLAKE = `{
  outputs = { self }: {
    nixosConfigurations.athena.config.system.build.toplevel.outPath = builtins.toFile "system-athena" self.rev;
  };
}
`;

test('after 60 pushes, some of which break hosts, verified late and by two machines, each channel is where the last good push is, and a host that follows one never builds or goes back', () =>
  withPlace(async (place) => {
    const isWithout = missing('jq') !== false;
    await commitFiles(place.checkout, { 'flake.nix': FLAKE }, 'A host');
    const folder = path.join(place.root, 'athena');
    await mkdir(folder);
    const flake = `git+file://${place.remote}?ref=tested-athena`;
    const follower = isWithout ? null : await openFollower(folder, { flake, host: 'athena' });
    let applied = place.base;
    const machines = [place.env, activityEnvironment(path.join(place.root, 'other'))];
    /** Each host breaks with some pushes and is repaired by a later one. */
    const builds = (host: number, push: number): boolean => (push * push * 7 + host * push * 3 + host) % 11 < 4;
    const commits: string[] = [];
    for (let wave = 0; wave < 10; wave += 1) {
      for (let index = 0; index < 6; index += 1) commits.push(await pushed(place, `push-${commits.length}`));
      const verified = commits.map((commit, index) => ({ commit, index })).slice(-6);
      await Promise.all(
        [...verified].reverse().map(({ commit, index }) => {
          const env = machines[index % 2] ?? place.env;
          return look(
            { ...place, env },
            commit,
            HOSTS.map((target, host) => ({
              ...{ target, branch: `tested-${target}` },
              ...(builds(host, index) ? {} : { stays: 'broken' }),
            })),
          );
        }),
      );
      const oracle = HOSTS.map((_, host) => commits.findLast((__, index) => builds(host, index)));
      assert.deepEqual(await Promise.all(HOSTS.map((host) => at(place, host))), oracle);
      // Not each time, as hosts do: it is also two waves late.
      if (follower === null || wave % 3 === 1) continue;
      const pulled = await follower.follow();
      assert.equal(pulled.exitCode, 0, pulled.stderr);
      const now = await follower.at();
      assert.equal(now, oracle[0]);
      await git(place.remote, 'merge-base', '--is-ancestor', applied, now);
      applied = now;
    }
    for (const call of (await follower?.calls()) ?? []) assert.match(call, /--max-jobs 0 --builders/);
  }));
