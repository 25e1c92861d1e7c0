import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Report } from '../../model/report/data.js';
import { TARGET_DONE } from '../../model/run/messages.js';
import { withFleet } from '../support/fleet.js';
import { until } from '../support/lockkeeper.js';
import { connectTo, withServedHouse } from '../support/runs.js';
import { assertNothingIsLeft, assertReleased } from '../support/stage.js';
import { wholeFile } from '../support/scope.js';

const { house } = await withServedHouse(wholeFile);

test('a required host that breaks stops the landing, and every other host is built all the same', async (t) => {
  const fleet = await withFleet(t, {
    hosts: [
      { name: 'athena' },
      { name: 'kyushu', fail: 'build-after-move' },
      // What does not evaluate waits for no builder: nobody serves this system.
      { name: 'rhea', fail: 'eval-after-move', system: 'riscv64-linux' },
    ],
  });
  await fleet.moveInput('alpha');
  const inbox = join(fleet.root, 'inbox.org');
  const { exitCode, report } = await house.update(fleet.checkout, '--inbox-org', inbox, '--on-failure', 'report');
  assert.equal(exitCode, 1);
  assert.equal(report.outcome, 'broken');
  assert.deepEqual(Object.keys(await fleet.branches()), ['main']);
  const [athena, kyushu, rhea] = report.targets;
  assert.equal(athena?.verdict, 'built');

  assert.equal(kyushu?.verdict, 'build-failed');
  assert.match(kyushu.failedDrv ?? '', /nixos-system-kyushu\.drv$/);
  assert.match(kyushu.error ?? '', /exit code 7/);
  assert.match(kyushu.logTail ?? '', /option boot\.loader of kyushu is gone/);
  assert.match(await readFile(kyushu.logPath ?? '', 'utf8'), /option boot\.loader of kyushu is gone/);

  assert.equal(rhea?.verdict, 'evaluation-failed');
  assert.equal(rhea.system, null);
  assert.equal(rhea.failedDrv, null);
  assert.match(rhea.error ?? '', /services\.rhea' does not exist/);

  const org = await readFile(inbox, 'utf8');
  assert.equal(org.match(/^\* TODO /gm)?.length, 1, 'one entry a run, not one a host');
  assert.match(org, /:CREATED: \[\d{4}-\d\d-\d\d \w{3} \d\d:\d\d\]/);

  const shown = await house.lockkeeper(['report', report.run]);
  assert.equal(shown.exitCode, 0);
  assert.match(shown.stdout, /kyushu/);
  const logs = await house.lockkeeper(['logs', report.run, 'kyushu']);
  assert.match(logs.stdout, /option boot\.loader of kyushu is gone/);
});

test('a broken host that is not required is reported, and the rest lands', async (t) => {
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }, { name: 'kyushu', fail: 'build-after-move' }] });
  await fleet.moveInput('alpha');
  const { exitCode, report } = await house.update(fleet.checkout, '--require', 'athena');
  assert.equal(exitCode, 0);
  assert.equal(report.outcome, 'landed');
  assert.deepEqual(
    report.targets.map(({ name, verdict, required }) => [name, verdict, required]),
    [
      ['athena', 'built', true],
      ['kyushu', 'build-failed', false],
    ],
  );
});

test('what was broken before excuses a host, never all of them: with nothing verified nothing lands', async (t) => {
  const fleet = await withFleet(t, {
    hosts: [{ name: 'athena', fail: 'build' }, { name: 'kyushu', fail: 'eval' }, { name: 'rhea' }],
  });
  await fleet.moveInput('alpha');
  const hosts = ['--host', 'athena', '--host', 'kyushu'];
  const { exitCode, report, stderr } = await house.update(fleet.checkout, ...hosts);
  assert.equal(exitCode, 1, stderr);
  assert.equal(report.outcome, 'broken');
  assert.deepEqual(report.brokenOnBase, ['athena', 'kyushu']);
  assert.match(
    report.nothingVerified ?? '',
    /not one host was built \(athena, kyushu\)\. All of them were broken before/,
  );
  assert.deepEqual(Object.keys(await fleet.branches()), ['main']);

  const left = await house.update(fleet.checkout, ...hosts, '--on-failure', 'leave-behind');
  assert.equal(left.report.outcome, 'broken', 'nobody is left behind by a landing without anybody');
  assert.deepEqual(Object.keys(await fleet.branches()), ['main']);

  const rest = await house.update(fleet.checkout);
  assert.equal(rest.report.outcome, 'landed', 'one host that was built is enough');
  assert.equal(rest.report.nothingVerified ?? null, null);
});

test('hosts are all that the flake has less an exclude pattern, or the ones that are named', async (t) => {
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }, { name: 'athena-minimal' }, { name: 'rhea' }] });
  await fleet.moveInput('alpha');
  const names = async (...args: string[]): Promise<string[]> =>
    (await house.update(fleet.checkout, '--dry-run', ...args)).report.targets.map(({ name }) => name);
  assert.deepEqual(await names('--exclude', '.*-minimal'), ['athena', 'rhea']);
  const asked = await house.update(fleet.checkout, '--dry-run', '--host', 'rhea');
  assert.deepEqual(
    asked.report.targets.map(({ name }) => name),
    ['rhea'],
  );
  assert.deepEqual(asked.report.notAsked, ['athena', 'athena-minimal']);
  const shown = await house.lockkeeper(['report', asked.report.run]);
  assert.match(shown.stdout, /1 of 1 host built · 2 hosts of the flake were not asked for$/m);
  assert.match(shown.stdout, /^ {2}not asked for: athena, athena-minimal$/m);

  for (const option of ['--host', '--require']) {
    const wrong = await house.lockkeeper(['update', fleet.checkout, '--dry-run', option, 'nowhere']);
    assert.equal(wrong.exitCode, 1);
    assert.match(wrong.stderr, /nowhere/);
    assert.match(wrong.stderr, /athena/, 'the names that exist are given');
  }
});

test('settings of the flake’s nixConfig are ignored and reported, unless the run accepts them', async (t) => {
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }], nixConfig: 'max-silent-time = 4711;' });
  await fleet.moveInput('alpha');
  const { report } = await house.update(fleet.checkout, '--dry-run');
  assert.match(report.ignoredNixConfig.join('\n'), /max-silent-time.*4711/);
  const accepted = await house.update(fleet.checkout, '--dry-run', '--accept-flake-config');
  assert.deepEqual(accepted.report.ignoredNixConfig, []);
});

test('a host of a system that nobody serves says what it waits for, and can be cancelled', async (t) => {
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }, { name: 'pi', system: 'riscv64-linux' }] });
  await fleet.moveInput('alpha');
  const running = house.start(['update', fleet.checkout, '--dry-run']);
  await until(() => running.output().includes('a worker of riscv64-linux'), 30_000, running.output);
  const cancelled = await house.lockkeeper(['cancel', 'latest']);
  assert.equal(cancelled.exitCode, 0, cancelled.stderr);
  assert.equal(await running.ended, 1);
  assert.match(running.output(), /cancelled/i);
});

test('cancelling kills the builds within five seconds and leaves nothing behind', async (t) => {
  const fleet = await withFleet(t, { hosts: [{ name: 'athena', seconds: 4321 }] });
  await fleet.moveInput('alpha');
  const running = house.start(['update', fleet.checkout]);
  await until(() => running.output().includes('verifying'), 30_000, running.output);
  const following = house.start(['logs', 'latest', 'athena', '--follow']);
  await until(() => following.stdout().includes('building athena'), 30_000, following.output);
  assert.equal(following.child.exitCode, null, 'the log is followed while it grows');
  const before = Date.now();
  const cancelled = await house.lockkeeper(['cancel', 'latest']);
  assert.equal(cancelled.exitCode, 0, cancelled.stderr);
  await until(async () => (await fleet.sleepers('athena')).length === 0, 5000 - (Date.now() - before));
  assert.equal(await running.ended, 1);
  assert.equal(await following.ended, 0, following.output());
  const report = await house.lockkeeper(['report', 'latest', '--format', 'json']);
  const { run, outcome, targets } = JSON.parse(report.stdout) as Report;
  assert.equal(outcome, 'cancelled');
  assert.deepEqual(
    targets.map(({ name, verdict }) => [name, verdict]),
    [['athena', 'skipped']],
  );
  assert.deepEqual(Object.keys(await fleet.branches()), ['main']);
  await assertNothingIsLeft(house, fleet, run);
  await assertReleased(house, run);
});

test('fifty broken hosts with long logs fit into the histories, each with the end of its log and the place of the rest', async (t) => {
  const names = Array.from({ length: 50 }, (_, index) => `host${String(index).padStart(2, '0')}`);
  const fleet = await withFleet(t, {
    hosts: names.map((name) => ({ name, fail: 'build', longLog: { lines: 200, width: 2000 } })),
  });
  await fleet.moveInput('alpha');
  const { report, exitCode } = await house.update(fleet.checkout, '--on-failure', 'report');
  assert.equal(exitCode, 1);
  assert.deepEqual(
    report.targets.map(({ name, verdict }) => [name, verdict]),
    names.map((name) => [name, 'build-failed']),
  );
  for (const { name, logTail, logPath } of report.targets) {
    assert.ok(logTail?.endsWith(`option boot.loader of ${name} is gone`), String(logTail));
    const log = await readFile(logPath ?? '', 'utf8');
    assert.equal(log.match(/> 0{1990,}\d+$/gm)?.length, 200, 'the log on the disk is whole');
  }
  const client = await connectTo(house);
  let events = 0;
  let bytes = 0;
  for await (const { workflowId } of client.workflow.list()) {
    if (!workflowId.startsWith(report.run)) continue;
    const { historyLength, historySize = 0 } = await client.workflow.getHandle(workflowId).describe();
    events += historyLength;
    bytes += historySize;
  }
  const told: number[] = [];
  const { events: own = [] } = await client.workflow.getHandle(report.run).fetchHistory();
  for (const { eventTime, workflowExecutionSignaledEventAttributes: signal } of own ?? [])
    if (signal?.signalName === TARGET_DONE)
      told.push(Number(eventTime?.seconds) * 1000 + (eventTime?.nanos ?? 0) / 1e6);
  await client.connection.close();
  const pauses = told.slice(1).map((at, index) => at - (told[index] ?? 0));
  assert.ok(pauses.length > 0 && Math.min(...pauses) >= 990, `what ends at once is told together: ${pauses.join(' ')}`);
  assert.ok(events > 0 && events <= 2000, `${events} events`);
  assert.ok(bytes <= 1.5 * 2 ** 20, `${bytes} bytes`);
});
