import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ListedChannel } from '../../client/commands/channel-table.js';
import { withFleet } from '../support/fleet.js';
import { git } from '../support/git.js';
import { writeInstances } from '../support/instances.js';
import { withHouse } from '../support/lockkeeper.js';

test('the channel of a host that an instance leaves out is said to be so, and only one without a host to be gone', async (t) => {
  const house = await withHouse(t);
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }, { name: 'delos' }, { name: 'rhea' }] });
  const { main = '' } = await fleet.branches();
  for (const host of ['delos', 'gone']) await git(fleet.remote, 'branch', `tested-${host}`, main);
  const listed = async (toml: string): Promise<readonly (readonly [string, string | null, string | null])[]> => {
    const configured = await writeInstances(house, fleet, undefined, 'left', `channel = "tested-{host}"\n${toml}`);
    const channels = await house.json<readonly ListedChannel[]>(['channels', 'main', ...configured]);
    return channels.map(({ channel, target, why }) => [channel, target, why]);
  };
  const gone = ['tested-gone', null, 'its target is gone from the flake: remove the branch, if nobody follows it'];
  const new_ = (host: string) => [`tested-${host}`, host, 'no run has moved it that this machine has a report of'];
  const leftOut = ['tested-delos', 'delos', 'its target is left out of what is built'];
  for (const [toml, wanted] of [
    ['exclude = "delos"', ['athena', 'rhea']],
    ['targets = ["nixos:*", "!delos"]', ['athena', 'rhea']],
    ['buildSystems = ["athena"]', ['athena']],
  ] as const)
    assert.deepEqual(
      await listed(`[instances.main]\n${toml}\n`),
      [new_(wanted[0]), leftOut, gone, ...wanted.slice(1).map(new_)],
      toml,
    );
});
