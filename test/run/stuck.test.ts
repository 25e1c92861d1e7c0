import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { TARGET_DONE } from '../../model/messages.js';
import { createFleet } from '../support/fleet.js';
import { openHouse, until } from '../support/lockkeeper.js';
import type { House } from '../support/lockkeeper.js';

let house: House;
let client: Client;
before(async () => {
  house = await openHouse();
  await house.dev();
  const { address } = await house.server();
  client = new Client({ connection: await Connection.connect({ address }) });
});
after(async () => {
  await client.connection.close();
  await house.close();
});

test('a run whose workflow task keeps failing is shown as such by status, watch and doctor, with the way out', async () => {
  const fleet = await createFleet({ hosts: [{ name: 'athena' }] });
  try {
    await fleet.moveInput('alpha');
    const running = house.start(['update', fleet.checkout, '--approve']);
    await until(
      () => running.output().includes('waits for approval'),
      30_000,
      () => running.output(),
    );
    const run = /Run (\S+)/.exec(running.output())?.[1] ?? '';
    const handle = client.workflow.getHandle(run);
    // A message that this version cannot read, as one of another version would be.
    await handle.signal(TARGET_DONE, null);
    await until(async () => ((await handle.describe()).raw.pendingWorkflowTask?.attempt ?? 0) > 1, 30_000);

    const wayOut = new RegExp(`fails again and again.*terminate.*${run}`, 's');
    const status = await house.lockkeeper(['status', run]);
    assert.match(status.stdout + status.stderr, wayOut);
    await until(
      () => wayOut.test(running.output()),
      15_000,
      () => running.output(),
    );
    const doctor = await house.lockkeeper(['doctor']);
    assert.equal(doctor.exitCode, 1);
    assert.match(doctor.stdout, new RegExp(run));

    await handle.terminate('as it was told');
    assert.equal(await running.ended, 1);
  } finally {
    await fleet.cleanup();
  }
});
