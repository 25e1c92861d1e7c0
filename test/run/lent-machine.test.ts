import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { isAlive } from '../../host/processes.js';
import { COORDINATOR_QUEUE } from '../../model/run/queues.js';
import type { Report } from '../../model/report/data.js';
import { withFleet } from '../support/fleet.js';
import { reaching, until, withHouse } from '../support/lockkeeper.js';
import { runInPhase, withServedHouse } from '../support/runs.js';
import { wholeFile } from '../support/scope.js';

/** A server elsewhere, without a worker that does runs, and a machine that has its address. */
const { house: cluster, client } = await withServedHouse(wholeFile, '--roles', 'agent');
const laptop = await withHouse(wholeFile);
const fleet = await withFleet(wholeFile, { hosts: [{ name: 'athena' }] });
const env = await reaching(cluster);

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

test('a machine with a server of its own keeps no record of what it was lent to', async (t) => {
  const own = await withHouse(t);
  await fleet.moveInput('alpha');
  const { exitCode, stderr } = await own.lockkeeper(['update', fleet.checkout, '--with-worker', '--dry-run']);
  assert.equal(exitCode, 0, stderr);
  assert.equal(existsSync(own.state.lent), false);
});

test('a run of a server elsewhere brings no worker of a machine that was not lent to it', async (t) => {
  const stranger = await withHouse(t);
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
  }
});

test('a repository that is a folder is refused where only workers of other machines would do the run', async (t) => {
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
  const stranger = await withHouse(t);
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
  }
});
