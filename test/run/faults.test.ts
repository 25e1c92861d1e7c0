import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createFleet } from '../support/fleet.js';
import { killBuilder } from '../support/kill-builder.js';
import { openHouse, until } from '../support/lockkeeper.js';
import type { House } from '../support/lockkeeper.js';

let house: House;
before(async () => {
  house = await openHouse();
  await house.dev();
});
after(() => house.close());

test('a builder that the machine killed is tried again, and the run says so meanwhile', async () => {
  const fleet = await createFleet({ hosts: [{ name: 'athena', seconds: 4 }] });
  try {
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
  } finally {
    await fleet.cleanup();
  }
});
