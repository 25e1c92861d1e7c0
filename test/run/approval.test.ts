import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import type { RunProgress } from '../../model/progress.js';
import { createFleet } from '../support/fleet.js';
import type { Fleet } from '../support/fleet.js';
import { openHouse, until } from '../support/lockkeeper.js';
import type { House, Running } from '../support/lockkeeper.js';

let house: House;
let fleet: Fleet;
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

/** Starts an update that asks, and waits until it does. */
async function asking(...args: string[]): Promise<{ running: Running; run: string; commit: string }> {
  await fleet.moveInput('alpha');
  const running = house.start(['update', fleet.checkout, '--approve', '--json', ...args]);
  let progress: RunProgress | undefined;
  await until(
    async () => {
      for await (const { workflowId } of client.workflow.list({
        query: 'WorkflowType = "updateFlake" AND ExecutionStatus = "Running"',
      }))
        progress = await client.workflow.getHandle(workflowId).query<RunProgress>('progress');
      return progress?.phase === 'waiting-for-approval';
    },
    30_000,
    running.output,
  );
  return { running, run: progress?.run ?? '', commit: progress?.approval?.commit ?? '' };
}

const withFleet = (body: () => Promise<void>) => async (): Promise<void> => {
  fleet = await createFleet({ hosts: [{ name: 'athena' }] });
  try {
    await body();
  } finally {
    await fleet.cleanup();
  }
};

test(
  'what was approved is what lands, and who approved it is in the report',
  withFleet(async () => {
    const { running, run, commit } = await asking();
    assert.deepEqual(Object.keys(await fleet.branches()), ['main'], 'nothing lands before');
    const status = await house.lockkeeper(['status', run]);
    assert.match(status.stdout + status.stderr, /lockkeeper approve/, 'what waits says how to answer');

    const approved = await house.lockkeeper(['approve', 'latest', '-m', 'looks fine']);
    assert.equal(approved.exitCode, 0, approved.stderr);
    assert.match(approved.stdout + approved.stderr, new RegExp(commit.slice(0, 12)), 'the commit is shown');
    assert.equal(await running.ended, 0);
    const report = JSON.parse(running.stdout()) as { head: string; approval: Record<string, unknown> };
    assert.equal(report.head, commit);
    assert.equal(report.approval.decision, 'approved');
    assert.equal(report.approval.comment, 'looks fine');
    assert.ok(Object.values(await fleet.branches()).includes(commit));

    const late = await house.lockkeeper(['approve', run]);
    assert.equal(late.exitCode, 1);
  }),
);

test(
  'a decision on another commit is refused with the reason',
  withFleet(async () => {
    const { running, run, commit } = await asking();
    const handle = client.workflow.getHandle(run);
    const wrong = { by: 'eve', commit: '0'.repeat(40), comment: null };
    await assert.rejects(handle.executeUpdate('approve', { args: [wrong] }), (error: Error) =>
      String(error.cause).includes('waits for'),
    );
    await handle.signal('approve', wrong);
    const progress = await handle.query<RunProgress>('progress');
    assert.equal(progress.phase, 'waiting-for-approval');
    assert.match(progress.waitsFor ?? '', /ignored a signal/);
    await handle.signal('approve', { ...wrong, commit });
    assert.equal(await running.ended, 0);
  }),
);

test(
  'a rejected run ends with exit status 4 and lands nothing',
  withFleet(async () => {
    const { running, run } = await asking();
    const rejected = await house.lockkeeper(['reject', run, '-m', 'not on a Friday']);
    assert.equal(rejected.exitCode, 0, rejected.stderr);
    assert.equal(await running.ended, 4);
    assert.match(running.stdout(), /not on a Friday/);
    assert.deepEqual(Object.keys(await fleet.branches()), ['main']);
  }),
);

test(
  'a run that nobody answers expires with exit status 4',
  withFleet(async () => {
    const { running } = await asking('--approval-deadline', '2s');
    assert.equal(await running.ended, 4);
    assert.match(running.stdout(), /"expired"/);
    assert.deepEqual(Object.keys(await fleet.branches()), ['main']);
  }),
);

test(
  'an update of the same repository attaches when it asks the same, and is refused when it asks something else',
  withFleet(async () => {
    const { running, run } = await asking();
    const other = await house.lockkeeper(['update', fleet.checkout, '--dry-run']);
    assert.equal(other.exitCode, 1);
    assert.match(other.stderr, new RegExp(run));

    const same = house.start(['update', fleet.checkout, '--approve', '--json']);
    await until(() => same.output().includes(run), 10_000, same.output);
    await house.lockkeeper(['approve', run]);
    assert.equal(await running.ended, 0);
    assert.equal(await same.ended, 0);
    assert.equal((JSON.parse(same.stdout()) as { run: string }).run, run);
  }),
);
