import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { COORDINATOR_QUEUE } from '../../model/queues.js';
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
  // What an incompatible version would see: options that this one cannot read.
  const run = 'update-stuck-20261121-000000';
  const handle = await client.workflow.start('updateFlake', {
    taskQueue: COORDINATOR_QUEUE,
    workflowId: run,
    args: [{ instance: 'update' }],
  });
  try {
    await until(async () => ((await handle.describe()).raw.pendingWorkflowTask?.attempt ?? 0) > 1, 30_000);
    const status = await house.lockkeeper(['status', run]);
    assert.match(status.stdout + status.stderr, /again and again/);
    assert.match(status.stdout + status.stderr, new RegExp(`(cancel|terminate).*${run}`, 's'));

    const watching = house.start(['watch', run]);
    await until(
      () => watching.output().includes('again and again'),
      15_000,
      () => watching.output(),
    );
    process.kill(watching.pid, 'SIGINT');
    await watching.ended;

    const doctor = await house.lockkeeper(['doctor']);
    assert.equal(doctor.exitCode, 1);
    assert.match(doctor.stdout, new RegExp(`✘ fail .*${run}|${run}`));
  } finally {
    await handle.terminate('the test is over');
  }
});
