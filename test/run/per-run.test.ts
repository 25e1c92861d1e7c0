import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { withMovedFleet } from '../support/fleet.js';
import { withHouse } from '../support/lockkeeper.js';
import { nameOnForge, withStandInForge } from '../support/stand-in-forge.js';

test('each update has a request of its own, and the one before is closed; the same update stays in its own', async (t) => {
  const house = await withHouse(t);
  const fleet = await withMovedFleet(t, { hosts: [{ name: 'athena' }] });
  const repository = nameOnForge(fleet.remote);
  const forge = await withStandInForge(t, repository, async (branch) => (await fleet.branches())[branch] ?? '');
  const tokenFile = join(house.root, 'forge-token');
  await writeFile(tokenFile, forge.token, { mode: 0o600 });
  const update = async (): Promise<string> => {
    const { exitCode, report, stderr } = await house.update(
      fleet.checkout,
      ...['--land', 'pull-request', '--per-run', '--branch-prefix', 'nightly-'],
      ...['--forge-kind', 'gitea', '--forge-url', forge.url, '--forge-token-file', tokenFile],
    );
    assert.equal(exitCode, 0, stderr);
    return report.landed?.ref ?? '';
  };
  const shown = () =>
    forge.state().pulls.map(({ head, state }) => [(head as { readonly ref: string }).ref, state] as const);

  const first = await update();
  assert.match(first, /^nightly-\d{8}-\d{6}$/);
  assert.equal(await update(), first);
  assert.deepEqual(shown(), [[first, 'open']]);

  await fleet.moveInput('alpha');
  const second = await update();
  assert.match(second, /^nightly-\d{8}-\d{6}$/);
  assert.notEqual(second, first);
  assert.deepEqual(shown(), [
    [first, 'closed'],
    [second, 'open'],
  ]);
  assert.deepEqual(Object.keys(await fleet.branches()).sort(), ['main', first, second].sort());
  assert.match(JSON.stringify(forge.state().comments), /A newer update is in #2\. Lockkeeper closes this request/);
});
