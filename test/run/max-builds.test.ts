import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withFleet } from '../support/fleet.js';
import { runInPhase, withServedHouse } from '../support/runs.js';
import { wholeFile } from '../support/scope.js';

const { house, client } = await withServedHouse(wholeFile);

/** Two hosts, each of a package and a system. */
const TWO = { hosts: [{ name: 'athena' }, { name: 'rhea' }] };

test('an update that would build more than its limit builds nothing, and says how much it is and what to do', async (t) => {
  const fleet = await withFleet(t, TWO);
  await fleet.moveInput('alpha');
  const { exitCode, report } = await house.update(fleet.checkout, '--max-builds', '3');
  assert.equal(exitCode, 1);
  assert.equal(report.outcome, 'broken');
  assert.deepEqual(report.plannedBuilds, { builds: 4, limit: 3 });
  assert.match(
    report.nothingVerified ?? '',
    /^Nothing was built: the update would build 4 derivations, where maxBuilds allows 3\. .*--max-builds 4/,
  );
  assert.deepEqual(
    report.targets.map(({ name, verdict, plan }) => [name, verdict, plan?.builds]),
    [
      ['athena', 'skipped', 2],
      ['rhea', 'skipped', 2],
    ],
  );
  assert.deepEqual(await fleet.builds(), []);
  const text = (await house.lockkeeper(['report', report.run])).stdout;
  assert.match(text, /Too much to build, nothing pushed/);
  assert.doesNotMatch(text, /stopped by/);
});

test('one that may ask does so before it builds, and lands when that and the landing are approved; nothing is evaluated twice', async (t) => {
  const fleet = await withFleet(t, TWO);
  await fleet.moveInput('alpha');
  const running = house.start(['update', fleet.checkout, '--approve', '--json', '--max-builds', '3']);
  const { run, waitsFor, targets } = await runInPhase(client, 'waiting-for-approval', running);
  assert.match(waitsFor ?? '', /^approval to build 4 derivations, where maxBuilds allows 3, for [0-9a-f]{12} until /);
  assert.deepEqual(
    targets.map(({ state, plan }) => [state, plan?.builds]),
    [
      ['queued', 2],
      ['queued', 2],
    ],
  );
  assert.deepEqual(await fleet.builds(), []);
  assert.equal((await house.lockkeeper(['approve', run])).exitCode, 0);
  const handle = client.workflow.getHandle(run);
  for (;;) {
    const { waitsFor: next } = await handle.query<{ waitsFor: string | null }>('progress');
    if ((next ?? '').startsWith('approval of ')) break;
    assert.equal(running.child.exitCode, null, running.output());
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.equal((await fleet.builds()).length, 4);
  assert.equal((await house.lockkeeper(['approve', run])).exitCode, 0);
  const report = await running.report();
  assert.equal(report.outcome, 'landed');
  const { approvedBy, ...planned } = report.plannedBuilds ?? { builds: 0, limit: 0 };
  assert.deepEqual(planned, { builds: 4, limit: 3 });
  assert.equal(typeof approvedBy, 'string');
  const evaluations = [];
  for await (const { workflowId } of client.workflow.list({ query: 'WorkflowType != "updateFlake"' })) {
    if (!workflowId.startsWith(run)) continue;
    const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
    for (const { activityTaskScheduledEventAttributes: scheduled } of events ?? [])
      if (scheduled?.activityType?.name === 'evaluateTarget') evaluations.push(scheduled.activityId);
  }
  assert.deepEqual(evaluations.sort(), ['evaluate athena', 'evaluate rhea']);

  // What is built already needs no question.
  const again = await house.update(fleet.checkout, '--max-builds', '0');
  assert.deepEqual([again.exitCode, again.report.plannedBuilds], [0, { builds: 0, limit: 0 }]);
  assert.deepEqual(
    again.report.targets.map(({ plan }) => plan),
    Array(2).fill({ builds: 0, fetches: 0, downloadBytes: 0, unpackedBytes: 0 }),
  );
});
