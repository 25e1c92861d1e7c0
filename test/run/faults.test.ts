import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withFleet } from '../support/fleet.js';
import { killBuilder } from '../support/kill-builder.js';
import { until } from '../support/lockkeeper.js';
import { withServedHouse } from '../support/runs.js';
import { wholeFile } from '../support/scope.js';

const { house } = await withServedHouse(wholeFile);

test('a builder that the machine killed is tried again, and the run says so meanwhile', async (t) => {
  const fleet = await withFleet(t, { hosts: [{ name: 'athena', seconds: 4 }] });
  await fleet.moveInput('alpha');
  const running = house.start(['update', fleet.checkout]);
  await until(
    async () => (await fleet.buildsOf('athena')) === 1,
    30_000,
    () => running.output(),
  );
  await killBuilder(fleet, 'athena');
  await until(
    () => /is tried again in \d+ s: .*signal 9/.test(running.output()),
    20_000,
    () => running.output(),
  );
  assert.equal(await running.ended, 0, running.output());
  assert.equal(await fleet.buildsOf('athena'), 2);
});
