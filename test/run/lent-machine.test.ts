import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import type { Client } from '@temporalio/client';
import { isAlive } from '../../host/processes.js';
import { COORDINATOR_QUEUE } from '../../model/run/queues.js';
import type { Report } from '../../model/report/data.js';
import { createFleet, type Fleet } from '../support/fleet.js';
import { openHouse, until, reaching, type House } from '../support/lockkeeper.js';
import { connectTo, runInPhase } from '../support/runs.js';

/** A server elsewhere, without a worker that does runs, and a machine that has its address. */
let cluster: House;
let laptop: House;
let client: Client;
let env: Readonly<Record<string, string>>;
let fleet: Fleet;
before(async () => {
  [cluster, laptop] = await Promise.all([openHouse(), openHouse()]);
  fleet = await createFleet({ hosts: [{ name: 'athena' }] });
  await cluster.dev('--roles', 'agent');
  client = await connectTo(cluster);
  env = await reaching(cluster);
});
after(async () => {
  await client.connection.close();
  await laptop.close();
  await cluster.close();
  await fleet.cleanup();
});

/** Nothing was started: neither a run nor a worker. */
async function assertNothingBegan(): Promise<void> {
  const { stdout, stderr } = await laptop.lockkeeper(['list', '--json'], { env });
  assert.deepEqual(JSON.parse(stdout), [], stderr);
  assert.equal(existsSync(laptop.state.worker), false, 'the machine has become a worker');
}

test('update on a server that no worker serves says who is missing, and starts nothing', async () => {
  await fleet.moveInput('alpha');
  const { exitCode, stderr } = await laptop.lockkeeper(['update', fleet.checkout, '--slots', '2'], { env });
  assert.equal(exitCode, 1);
  assert.match(stderr, /^note: --slots and --eval-slots are for a worker of this machine: give --with-worker/m);
  assert.match(
    stderr,
    /No worker polls the queue lockkeeper of the Temporal server at \S+, so nobody would do the run: start one with "lockkeeper worker", or give --with-worker/,
  );
  await assertNothingBegan();
});

test('a machine that is asked to lends itself to the run, to its end, and no longer', async () => {
  const lent = laptop.start(['update', fleet.checkout, '--with-worker', '--approve', '--json'], { env });
  const { run } = await runInPhase(client, 'waiting-for-approval', lent);
  const first = await laptop.worker();
  process.kill(lent.pid, 'SIGINT');
  assert.equal(await lent.ended, 130, lent.output());
  await until(async () => !(await isAlive(first)), 30_000);
  assert.equal((await laptop.lockkeeper(['approve', run, '--yes'], { env })).exitCode, 0, 'it brings a worker again');
  const second = await laptop.worker();
  const { stdout } = await laptop.lockkeeper(['watch', run, '--json'], { env });
  assert.equal((JSON.parse(stdout) as Report).outcome, 'landed');
  await until(async () => !(await isAlive(second)), 30_000);
  assert.deepEqual(await readdir(laptop.state.lent), []);
});

test('a machine with a server of its own keeps no record of what it was lent to', async () => {
  const own = await openHouse();
  try {
    await fleet.moveInput('alpha');
    const { exitCode, stderr } = await own.lockkeeper(['update', fleet.checkout, '--with-worker', '--dry-run']);
    assert.equal(exitCode, 0, stderr);
    assert.equal(existsSync(own.state.lent), false);
  } finally {
    await own.close();
  }
});

test('a run of a server elsewhere brings no worker of a machine that was not lent to it', async () => {
  const stranger = await openHouse();
  try {
    await client.workflow.start('updateFlake', { taskQueue: COORDINATOR_QUEUE, workflowId: 'update-theirs', args: [] });
    const held = await stranger.lockkeeper(['hold', 'update-theirs', 'alpha'], { env });
    assert.equal(held.exitCode, 1);
    assert.match(
      held.stderr,
      /cannot be asked: no worker polls the queue lockkeeper: start one with "lockkeeper worker"/,
    );
    assert.equal(existsSync(stranger.state.worker), false);
  } finally {
    await client.workflow.getHandle('update-theirs').terminate();
    await stranger.close();
  }
});

test('a repository that is a folder is refused where only workers of other machines would do the run', async () => {
  const over = new AbortController();
  const polling = client
    .withAbortSignal(over.signal, () =>
      client.withDeadline(Date.now() + 60_000, () =>
        client.workflowService.pollWorkflowTaskQueue({
          namespace: 'default',
          taskQueue: { name: COORDINATOR_QUEUE },
          identity: '1@farm.example.org',
        }),
      ),
    )
    .catch(() => undefined);
  const stranger = await openHouse();
  try {
    const refused = async (): Promise<string> =>
      (await stranger.lockkeeper(['update', fleet.checkout], { env })).stderr;
    let said = '';
    // The server lists a poller a moment later.
    await until(
      async () => (said = await refused()).includes('cannot see'),
      20_000,
      () => said,
    );
    assert.match(
      said,
      /is a folder of this machine, which workers on farm\.example\.org cannot see, and the Temporal server at \S+ has no others: give the URL of a remote/,
    );
  } finally {
    over.abort();
    await polling;
    await stranger.close();
  }
});
