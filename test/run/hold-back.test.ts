import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '../../activities/command/process.js';
import { parseFlakeLock } from '../../model/flake-lock/parse.js';
import { nodeOfInput } from '../../model/flake-lock/walk.js';
import { textAttribute } from '../../model/flake-lock/types.js';
import { withMovedFleet, type Fleet } from '../support/fleet.js';
import { git } from '../support/git.js';
import { until } from '../support/lockkeeper.js';
import { connectTo, withServedHouse } from '../support/runs.js';
import { wholeFile } from '../support/scope.js';

const FLAKES = ['--extra-experimental-features', 'nix-command flakes'];
const INPUTS = ['alpha', 'beta', 'gamma', 'delta'];

const { house } = await withServedHouse(wholeFile);

/** Revision that an input is locked to in the remote at a branch. */
async function locked(fleet: Fleet, branch: string, input: string): Promise<string | null> {
  const node = nodeOfInput(parseFlakeLock(await fleet.show(branch, 'flake.lock')), [input]);
  return textAttribute(node?.locked ?? null, 'rev');
}

test('the input to blame is held back, and the rest lands, verified', async (t) => {
  const fleet = await withMovedFleet(t, {
    inputs: INPUTS,
    hosts: [{ name: 'athena' }, { name: 'kyushu', brokenBy: [['gamma']] }],
  });
  const { exitCode, report, stderr } = await house.update(fleet.checkout);
  assert.equal(exitCode, 0, stderr);
  assert.equal(report.outcome, 'landed');
  assert.deepEqual(
    report.heldBack.map(({ input, targets }) => [input, targets]),
    [['gamma', ['kyushu']]],
  );
  const [held] = report.heldBack;
  assert.match(held?.reason ?? '', /exit code 7: error: option boot\.loader of kyushu is gone$/);
  const [failure] = held?.failures ?? [];
  assert.match(failure?.failedDrv ?? '', /nixos-system-kyushu\.drv$/);
  assert.match(failure?.logTail ?? '', /option boot\.loader of kyushu is gone/);
  assert.match(await readFile(failure?.logPath ?? '', 'utf8'), /option boot\.loader of kyushu is gone/);
  assert.equal(held?.newRevision, (await git(fleet.inputs.gamma ?? '', 'rev-parse', 'HEAD')).trim());
  assert.equal(held.revision, await locked(fleet, 'main', 'gamma'));
  assert.deepEqual(
    report.targets.map(({ name, verdict }) => [name, verdict]),
    [
      ['athena', 'built'],
      ['kyushu', 'built'],
    ],
  );
  assert.match(stderr, /probe 1 of at most \d+: moves alpha, beta; verifies kyushu/);

  const { landed } = report;
  const branch = landed?.ref ?? '';
  for (const name of INPUTS) {
    const moved = (await locked(fleet, branch, name)) !== (await locked(fleet, 'main', name));
    assert.equal(moved, name !== 'gamma', `${name} moved: ${String(moved)}`);
  }
  const message = await git(fleet.remote, 'log', '-1', '--format=%B', branch);
  assert.match(
    message,
    /Inputs that stay where they are:\n- gamma breaks kyushu\n {2}.*exit code 7: error: option boot/,
  );
  assert.match(message, /\n {2}stays at [0-9a-f]{8}, not [0-9a-f]{8}\n/);
  assert.equal(await git(fleet.remote, 'rev-list', '--count', `main..${branch}`), '1', 'one commit');

  const text = await house.lockkeeper(['report', report.run]);
  assert.match(
    text.stdout,
    /Held back\n {2}gamma {2}breaks kyushu: [^]*│ error: option boot\.loader of kyushu is gone\n/,
  );
  const failed = await house.lockkeeper(['logs', report.run, 'kyushu']);
  assert.match(failed.stdout, /option boot\.loader of kyushu is gone/);
  assert.match(failed.stderr, /kyushu with gamma at [0-9a-f]{12}, which is held back/);
  assert.equal((await house.lockkeeper(['logs', report.run, 'kyushu', '--input', 'gamma'])).stdout, failed.stdout);
  const final = await house.lockkeeper(['logs', report.run, 'kyushu', '--final']);
  assert.equal(final.exitCode, 0, final.stderr);
  assert.doesNotMatch(final.stdout, /is gone/);
  const strict = await house.update(fleet.checkout, '--dry-run', '--strict');
  assert.equal(strict.exitCode, 1);
  assert.equal(strict.report.outcome, 'verified');
});

test('hosts broken by different inputs are told apart, a pair and an evaluation too, with revisions in systems', async (t) => {
  const fleet = await withMovedFleet(t, {
    inputs: INPUTS,
    selfRev: true,
    hosts: [
      { name: 'athena', brokenBy: [['alpha', 'delta']] },
      { name: 'kyushu', brokenBy: [['gamma']], brokenIn: 'eval' },
      { name: 'rhea', input: 'beta' },
    ],
  });
  const { exitCode, report, stderr } = await house.update(fleet.checkout, '--dry-run');
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(report.heldBack.map(({ input, targets }) => [input, targets]).sort(), [
    ['delta', ['athena']],
    ['gamma', ['kyushu']],
  ]);
  assert.deepEqual(
    report.inputs.map(({ name }) => name),
    ['alpha', 'beta'],
  );
  assert.ok(report.targets.every(({ verdict }) => verdict === 'built'));
  assert.deepEqual(Object.keys(await fleet.branches()), ['main']);
});

test('an input that others follow stays alone, the lock is accepted as it is, and what failed before is not built again', async (t) => {
  const fleet = await withMovedFleet(t, {
    inputs: ['beta', 'alpha', 'gamma'],
    follows: { beta: 'alpha', gamma: 'alpha' },
    selfRev: true,
    hosts: [
      { name: 'athena', input: 'beta' },
      { name: 'kyushu', input: 'alpha', brokenBy: [['alpha']], brokenIn: 'package' },
    ],
  });
  const { exitCode, report, stderr } = await house.update(fleet.checkout);
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(
    report.heldBack.map(({ input, targets }) => [input, targets]),
    [['alpha', ['kyushu']]],
  );
  assert.deepEqual(
    report.inputs.map(({ name }) => name),
    ['beta', 'gamma'],
  );
  const branch = report.landed?.ref ?? '';
  const landed = await fleet.show(branch, 'flake.lock');
  await git(fleet.checkout, 'fetch', '--quiet', 'origin', branch);
  await git(fleet.checkout, 'checkout', '--quiet', 'FETCH_HEAD');
  const locked = await run('nix', [...FLAKES, 'flake', 'lock'], { cwd: fleet.checkout });
  assert.equal(locked.exitCode, 0, locked.stderr);
  assert.equal((await readFile(join(fleet.checkout, 'flake.lock'), 'utf8')).trim(), landed);

  // With everything moved, and on base. Systems differ in each probe, for they hold the commit's revision.
  const starts = (await fleet.builds()).filter((line) => line === 'package kyushu');
  assert.equal(starts.length, 2, 'the broken package was built once');
});

test('what keeping an input back breaks in turn is repaired in the same way', async (t) => {
  const fleet = await withMovedFleet(t, {
    inputs: ['alpha', 'beta', 'gamma'],
    hosts: [
      { name: 'athena', brokenBy: [['alpha', '!gamma']] },
      { name: 'kyushu', brokenBy: [['gamma']] },
      { name: 'rhea', input: 'beta' },
    ],
  });
  const { exitCode, report, stderr } = await house.update(fleet.checkout, '--dry-run');
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(
    report.heldBack.map(({ input, targets }) => [input, targets]),
    [
      ['gamma', ['kyushu']],
      ['alpha', ['athena']],
    ],
  );
  assert.deepEqual(
    report.inputs.map(({ name }) => name),
    ['beta'],
  );
});

test('the next run tries again, alarms when an input is held back for too long, and says when it is let go', async (t) => {
  const fleet = await withMovedFleet(t, {
    inputs: ['alpha', 'beta'],
    hosts: [{ name: 'athena' }, { name: 'kyushu', brokenBy: [['beta=2']] }],
  });
  const inbox = join(fleet.root, 'inbox.org');
  const update = () => house.update(fleet.checkout, '--inbox-org', inbox);
  const first = await update();
  assert.equal(first.exitCode, 0, first.stderr);
  assert.deepEqual([first.report.heldBack[0]?.input, first.report.heldBack[0]?.overdue], ['beta', false]);

  // As if it had been three weeks ago.
  const file = join(house.state.reports, `${first.report.run}.json`);
  const since = new Date(Date.parse(first.report.startedAt) - 21 * 86_400_000).toISOString();
  await writeFile(file, (await readFile(file, 'utf8')).replaceAll(first.report.startedAt, since));
  const second = await update();
  assert.equal(second.exitCode, 0, second.stderr);
  assert.deepEqual(
    second.report.heldBack.map(({ input, since: first, overdue }) => [input, first, overdue]),
    [['beta', since, true]],
  );
  const entries = await readFile(inbox, 'utf8');
  assert.equal(entries.match(/^\* TODO /gm)?.length, 1, entries);
  assert.match(entries, /beta held back for too long/);

  await fleet.moveInput('beta');
  const third = await update();
  assert.equal(third.exitCode, 0, third.stderr);
  assert.deepEqual(third.report.heldBack, []);
  assert.deepEqual(third.report.letGo, [{ input: 'beta', since }]);
  const text = await house.lockkeeper(['report', third.report.run]);
  assert.match(text.stdout, /No longer held back\n {2}beta {2}moves again; was held back since /);
});

test('a host that was broken before is nobody’s fault, and does not stop the rest', async (t) => {
  const fleet = await withMovedFleet(t, {
    inputs: ['alpha', 'beta'],
    hosts: [{ name: 'athena', brokenBy: [['beta']] }, { name: 'kyushu', fail: 'eval' }, { name: 'rhea' }],
  });
  const { exitCode, report, stderr } = await house.update(fleet.checkout);
  assert.equal(exitCode, 0, stderr);
  assert.equal(report.outcome, 'landed');
  assert.deepEqual(report.brokenOnBase, ['kyushu']);
  assert.deepEqual(
    report.heldBack.map(({ input }) => input),
    ['beta'],
  );
  assert.deepEqual(
    report.inputs.map(({ name }) => name),
    ['alpha'],
  );
});

test('when every input is to blame nothing lands, unless the host may be left behind', async (t) => {
  const fleet = await withMovedFleet(t, {
    inputs: ['alpha', 'beta'],
    hosts: [{ name: 'athena' }, { name: 'kyushu', brokenBy: [['alpha'], ['beta']] }],
  });
  const { exitCode, report, stderr } = await house.update(fleet.checkout);
  assert.equal(exitCode, 2, stderr);
  assert.equal(report.outcome, 'unchanged');
  assert.deepEqual(
    report.heldBack.map(({ input, targets }) => [input, targets]),
    [
      ['alpha', ['kyushu']],
      ['beta', ['kyushu']],
    ],
  );
  assert.deepEqual([report.inputs, report.targets, report.head], [[], [], null], 'nothing is left of the update');
  assert.deepEqual(Object.keys(await fleet.branches()), ['main']);
  const text = await house.lockkeeper(['report', report.run]);
  assert.match(text.stdout, /^• Nothing to land, all that moved is held back/);
  assert.match(text.stdout, /alpha {2}breaks kyushu: [^]*log: /);

  const again = await house.update(fleet.checkout, '--strict');
  assert.equal(again.exitCode, 1);
  assert.deepEqual(
    again.report.heldBack.map(({ since }) => since),
    [report.startedAt, report.startedAt],
    'held back since then',
  );
  const left = await house.update(fleet.checkout, '--dry-run', '--on-failure', 'hold-back,leave-behind');
  assert.equal(left.report.outcome, 'verified');
  assert.match(left.report.notHeldBack[0]?.reason ?? '', /every input that moved.*alpha, beta/);

  const never = await house.update(
    fleet.checkout,
    '--never-hold-back',
    'alpha',
    '--on-failure',
    'hold-back,leave-behind',
  );
  assert.equal(never.exitCode, 1, 'a required host is broken');
  assert.equal(never.report.outcome, 'landed');
  assert.match(never.report.notHeldBack[0]?.reason ?? '', /must not be kept back: alpha/);
  assert.deepEqual(
    never.report.targets.map(({ name, verdict }) => [name, verdict]),
    [
      ['athena', 'built'],
      ['kyushu', 'build-failed'],
    ],
  );
});

test('a worker that is killed between probes costs nothing but time', async (t) => {
  const fleet = await withMovedFleet(t, {
    inputs: INPUTS,
    hosts: [{ name: 'kyushu', input: 'all', seconds: 3, brokenBy: [['gamma']] }],
  });
  const running = house.start(['update', fleet.checkout, '--json']);
  await until(() => running.output().includes('probes 2 to 3 of'), 60_000, running.output);
  process.kill((await house.worker()).pid, 'SIGKILL');
  const report = await running.report();
  assert.equal(report.outcome, 'landed');
  assert.deepEqual(
    report.heldBack.map(({ input }) => input),
    ['gamma'],
  );
});

test('a run that is cancelled while it looks for the input to blame ends its probes', async (t) => {
  const fleet = await withMovedFleet(t, {
    inputs: INPUTS,
    hosts: [{ name: 'kyushu', seconds: 20, brokenBy: [['gamma']], brokenIn: 'package' }],
  });
  const running = house.start(['update', fleet.checkout, '--json']);
  // The probe and base sleep: the package that is broken did not.
  await until(async () => (await fleet.buildsOf('kyushu')) > 0, 60_000, running.output);
  const { stdout } = await house.lockkeeper(['list', '--json']);
  const [open] = (JSON.parse(stdout) as readonly { readonly run: string; readonly closedAt: string | null }[]).filter(
    ({ closedAt }) => closedAt === null,
  );
  assert.equal((await house.lockkeeper(['cancel', open?.run ?? ''])).exitCode, 0);
  const report = await running.report(1);
  assert.equal(report.outcome, 'cancelled');
  const client = await connectTo(house);
  try {
    for await (const { workflowId } of client.workflow.list({ query: 'ExecutionStatus = "Running"' }))
      assert.ok(!workflowId.startsWith(report.run), `${workflowId} is still open`);
  } finally {
    await client.connection.close();
  }
  assert.deepEqual(Object.keys(await fleet.branches()), ['main']);
});

test('a run that merges holds nothing back unless it is asked to', async (t) => {
  const fleet = await withMovedFleet(t, {
    inputs: ['alpha', 'beta'],
    hosts: [{ name: 'athena' }, { name: 'kyushu', brokenBy: [['beta']] }],
  });
  const cautious = await house.update(fleet.checkout, '--land', 'merge');
  assert.equal(cautious.exitCode, 1);
  assert.equal(cautious.report.outcome, 'broken');
  assert.deepEqual(cautious.report.heldBack, []);

  const asked = await house.update(fleet.checkout, '--land', 'merge', '--on-failure', 'hold-back,report');
  assert.equal(asked.exitCode, 0, asked.stderr);
  assert.equal(asked.report.outcome, 'landed');
  assert.deepEqual(
    asked.report.inputs.map(({ name }) => name),
    ['alpha'],
  );
});

test('a list of steps that cannot be followed is refused', async () => {
  for (const [steps, why] of [
    ['hold-back,give-up', /"give-up" is not one of autofix, hold-back, leave-behind, report/],
    ['report,hold-back', /nothing is left to do after report/],
    ['hold-back,hold-back', /hold-back twice/],
  ] as const) {
    const refused = await house.lockkeeper(['update', '.', '--on-failure', steps]);
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, why);
  }
});
