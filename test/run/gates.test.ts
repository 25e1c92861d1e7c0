import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Report } from '../../model/report/data.js';
import { BUILT_OUTSIDE, writeAgent } from '../support/agent.js';
import { withMovedFleet, type Fleet, type FleetOptions } from '../support/fleet.js';
import { git } from '../support/git.js';
import { until, withHouse } from '../support/lockkeeper.js';
import { withStandIn } from '../support/stand-in.js';
import { processesNamed, sleepOfOurOwn } from '../support/processes.js';
import { type Scope, wholeFile } from '../support/scope.js';

/**
 * Stand-ins for two linters, with what matters here of the real ones (statix 0.5, deadnix 1.3): their arguments, their status,
 * and that they speak in colours.
 */
const LINTERS = {
  statix: String.raw`
    [ "$1 $2 $#" = 'check . 2' ] || { echo "error: Found argument '$*' which wasn't expected" >&2; exit 2; }
    if [ -e statix.toml ]; then echo 'config error: unable to parse config file' >&2; exit 0; fi
    ! grep -rnE --include=*.nix '([a-z]+) = [a-z]+\.\1;' . || { printf '\033[33m[W04] Warning:\033[0m Assignment\n  · ╰── This is better written with inherit\n──╯\n'; exit 1; }`,
  deadnix: String.raw`
    fail=0
    while [ $# -gt 1 ]; do case $1 in --fail) fail=1; shift ;; *) exit 2 ;; esac; done
    [ -d "$1" ] || exit 2
    ! grep -rn --include=*.nix 'unused' "$1" || { printf '\033[33mWarning:\033[0m Unused declarations were found.\n'; exit $fail; }`,
};

const house = await withHouse(wholeFile);
for (const [name, body] of Object.entries(LINTERS))
  await writeFile(join(house.root, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
process.env.PATH = `${house.root}:${process.env.PATH ?? ''}`;
await house.dev();

/** What the JSON report says of a gate. */
interface GateJson {
  readonly name: string;
  readonly required: boolean;
  readonly verdict: 'passed' | 'failed' | 'timed-out' | 'skipped';
  readonly error: string | null;
  readonly logPath: string | null;
  readonly logTail: string | null;
}

const gatesOf = (report: Report): readonly GateJson[] => (report as unknown as { gates: readonly GateJson[] }).gates;

/** A fleet whose input `alpha` has moved. */
const withUpdate = (scope: Scope, options: Partial<FleetOptions> = {}): Promise<Fleet> =>
  withMovedFleet(scope, { hosts: [{ name: 'athena' }], ...options }, ['alpha']);

test('gates stop the landing, and the report says of each what it found', async (t) => {
  const fleet = await withUpdate(t, { dir: 'nix' });
  const nap = sleepOfOurOwn(7654);
  const { exitCode, report } = await house.update(
    join(fleet.checkout, 'nix'),
    ...['--on-failure', 'report', '--gate-timeout', '5s'],
    ...['--gate', `no-todo=sh -c "echo 'error: found a TODO' >&2; exit 3"`],
    ...['--gate', 'formats=sed -i 1s/^/#/ flake.nix', '--gate', 'writes-beside=touch beside'],
    ...['--gate', `sees=sh -c 'git log -1 --format=%H; cat flake.lock'`],
    ...['--gate', 'lint=lint-that-nobody-has --all', '--gate', 'own=./scripts/lint'],
    ...['--gate', `hangs=sh -c "sleep ${nap} & sleep ${nap}"`],
  );
  assert.equal(exitCode, 1);
  assert.equal(report.outcome, 'broken');
  assert.deepEqual(Object.keys(await fleet.branches()), ['main']);
  assert.deepEqual(
    report.targets.map(({ name, verdict }) => [name, verdict]),
    [['athena', 'built']],
    'gates are no hosts',
  );
  const gate = (name: string): GateJson => {
    const found = gatesOf(report).find((each) => each.name === `gate:${name}`);
    assert.ok(found, name);
    return found;
  };
  assert.deepEqual(
    gatesOf(report).map(({ name, verdict }) => `${name} ${verdict}`),
    [
      'gate:formats failed',
      'gate:hangs timed-out',
      'gate:lint skipped',
      'gate:no-todo failed',
      'gate:own skipped',
      'gate:sees passed',
      'gate:writes-beside passed',
    ],
    'what Git does not know of may be written',
  );

  assert.equal(gate('no-todo').error, 'status 3: found a TODO');
  assert.match(await readFile(gate('no-todo').logPath ?? '', 'utf8'), /found a TODO/);
  assert.equal(gate('formats').error, 'it changes a file: nix/flake.nix');
  assert.match(gate('formats').logTail ?? '', /\+#\{/, 'the log shows what it would change');
  assert.match(
    gate('lint').error ?? '',
    /no lint-that-nobody-has on the PATH of the worker. Install it there, or leave/,
  );
  assert.match(gate('own').error ?? '', /there is no program \.\/scripts\/lint/);
  assert.equal(gate('hangs').error, 'did not finish within 5 s');
  await until(async () => (await processesNamed('sleep', nap)).length === 0, 5000);
  const log = await readFile(gate('sees').logPath ?? '', 'utf8');
  assert.ok(log.startsWith(report.head ?? '-'), 'the candidate is checked out');
  assert.ok(log.includes(report.inputs[0]?.to ?? '-'), 'with its new lock, in the folder of the flake');

  const text = await house.lockkeeper(['report', report.run]);
  assert.match(
    text.stdout,
    /1 of 1 host built · 2 of 7 gates passed · stopped by gate:formats, gate:hangs, gate:lint, gate:no-todo, gate:own\n/,
  );
  assert.match(text.stdout, /Gates\n {2}✘ gate:formats +failed .*\n/);
  assert.match(text.stdout, /gate:lint +could not run .*lint-that-nobody-has/);
  const shown = await house.lockkeeper(['logs', report.run, 'gate:no-todo']);
  assert.match(shown.stdout, /found a TODO/);
});

test('a gate that only warns is reported, and an update that nix flake check accepts lands', async (t) => {
  const fleet = await withUpdate(t);
  const { exitCode, report } = await house.update(
    fleet.checkout,
    ...['--gate-warn', 'no-todo=false', '--gate', 'flake-check'],
  );
  assert.equal(exitCode, 0);
  assert.equal(report.outcome, 'landed');
  assert.deepEqual(
    gatesOf(report).map(({ name, verdict, required, error }) => [name, verdict, required, error]),
    [
      ['gate:flake-check', 'passed', true, null],
      ['gate:no-todo', 'failed', false, 'status 1'],
    ],
  );
  const { stdout } = await house.lockkeeper(['report', report.run]);
  assert.match(stdout, /gate:no-todo +failed \(warns only\)/);
});

test('the gates that are known by their names pass on a tidy flake, and say what they find in another one', async (t) => {
  const fleet = await withUpdate(t, { formatter: true });
  const gates = ['fmt', 'statix', 'deadnix', 'flake-check'].flatMap((name) => ['--gate', name]);
  const tidy = await house.update(fleet.checkout, '--dry-run', ...gates);
  assert.equal(tidy.exitCode, 0, tidy.stderr);
  assert.deepEqual(
    gatesOf(tidy.report).map(({ name, verdict }) => `${name} ${verdict}`),
    ['gate:deadnix passed', 'gate:flake-check passed', 'gate:fmt passed', 'gate:statix passed'],
  );

  await fleet.pushToMain({ 'web.nix': '{ unused, lib }: {  \n  version = lib.version;\n}\n' });
  const untidy = await house.update(fleet.checkout, '--dry-run', '--on-failure', 'report', ...gates);
  assert.equal(untidy.report.outcome, 'broken');
  const errors = new Map(gatesOf(untidy.report).map(({ name, error }) => [name, error]));
  assert.equal(errors.get('gate:flake-check'), null);
  assert.equal(errors.get('gate:fmt'), 'it changes a file: web.nix');
  assert.match(errors.get('gate:statix') ?? '', /^status 1: This is better written with inherit$/);
  assert.match(errors.get('gate:deadnix') ?? '', /^status 1: .*Warning: Unused declarations were found\.$/);

  // With such a file statix says so, looks at nothing, and ends with status 0.
  await fleet.pushToMain({ 'web.nix': '{ }\n', 'statix.toml': 'disabled = 3\n' });
  const unread = await house.update(fleet.checkout, '--dry-run', '--on-failure', 'report', '--gate', 'statix');
  assert.deepEqual(
    gatesOf(unread.report).map(({ verdict, error }) => [verdict, error]),
    [['failed', 'status 0: config error: unable to parse config file']],
  );
});

test('a gate for a formatter that the flake does not have says so', async (t) => {
  const fleet = await withUpdate(t);
  const { report } = await house.update(fleet.checkout, '--dry-run', '--on-failure', 'report', '--gate', 'fmt');
  assert.match(gatesOf(report)[0]?.error ?? '', /^status 1: .*does not provide attribute .*formatter\.x86_64-linux/);
});

test('the input that makes a gate fail is held back, and the rest lands', async (t) => {
  const fleet = await withUpdate(t, { inputs: ['alpha', 'beta'] });
  await fleet.moveInput('beta');
  const bad = await fleet.moveInput('beta');
  const { exitCode, report, stderr } = await house.update(
    fleet.checkout,
    ...['--gate', `no-beta=sh -c '! grep ${bad} flake.lock'`, '--gate', 'always=false'],
  );
  assert.equal(exitCode, 0, stderr);
  assert.equal(report.outcome, 'landed');
  assert.deepEqual(
    report.heldBack.map(({ input, targets }) => [input, targets]),
    [['beta', ['gate:no-beta']]],
  );
  assert.deepEqual(report.brokenOnBase, ['gate:always']);
  assert.deepEqual(
    report.inputs.map(({ name }) => name),
    ['alpha'],
  );
});

test('an agent is asked to make a gate pass, and its fix lands with the update', async (t) => {
  const fleet = await withUpdate(t);
  const agent = await writeAgent(fleet.root);
  // On main it passes: nobody is asked about what fails there.
  const moved = await fleet.moveInput('alpha');
  const command = `grep -q noted NOTES.md || ! grep -q ${moved} flake.lock`;
  const { exitCode, report, stderr } = await house.update(
    fleet.checkout,
    ...['--gate', `noted=sh -c '${command}'`, '--autofix', agent],
    ...['say-prompt', 'note'].flatMap((word) => ['--autofix-arg', word]),
    ...BUILT_OUTSIDE,
  );
  assert.equal(exitCode, 0, stderr);
  const [fix] = report.fixes;
  assert.deepEqual([fix?.target, fix?.attempts.map(({ outcome }) => outcome)], ['gate:noted', ['mended']]);
  const branch = report.landed?.ref ?? '';
  assert.match(
    await git(fleet.remote, 'log', '-1', '--format=%B', branch),
    /^fix\(noted\): .*\n\nWith .* the gate noted does not pass:\n/,
  );
  const log = await readFile(fix?.attempts[0]?.logPath ?? '', 'utf8');
  assert.match(log, /# Make the check noted pass[\s\S]*`sh -c 'grep -q noted NOTES\.md .*'` has to succeed/);
});

test('the gate flake-check says what Nix finds wrong with hosts that nobody builds', async (t) => {
  const fleet = await withUpdate(t, { hosts: [{ name: 'athena' }, { name: 'kyushu', fail: 'eval-after-move' }] });
  const { report } = await house.update(
    fleet.checkout,
    ...['--dry-run', '--on-failure', 'report', '--host', 'athena', '--gate', 'flake-check'],
  );
  assert.equal(report.outcome, 'broken');
  assert.match(gatesOf(report)[0]?.error ?? '', /services\.kyushu' does not exist/);
});

test('a worker that is killed while a gate runs goes on with it', async (t) => {
  const fleet = await withUpdate(t);
  const starts = join(fleet.root, 'starts');
  const gate = join(fleet.root, 'slow-gate');
  await writeFile(gate, `#!/bin/sh\necho start >> ${starts}\nsleep 6\n`, { mode: 0o755 });
  const running = house.start(['update', fleet.checkout, '--json', '--gate', `slow=${gate}`]);
  await until(async () => (await readFile(starts, 'utf8').catch(() => '')) !== '', 60_000, running.output);
  process.kill((await house.worker()).pid, 'SIGKILL');
  const report = await running.report();
  assert.deepEqual(
    gatesOf(report).map(({ verdict }) => verdict),
    ['passed'],
  );
  assert.equal(await readFile(starts, 'utf8'), 'start\n', 'it ran once');
});

test('cancelling a run ends its gates', async (t) => {
  const fleet = await withUpdate(t);
  const nap = sleepOfOurOwn(8765);
  const running = house.start(['update', fleet.checkout, '--gate', `hangs=sleep ${nap}`]);
  await until(async () => (await processesNamed('sleep', nap)).length === 1, 60_000, running.output);
  await until(() => running.output().includes('gate:hangs'), 60_000, running.output);
  const cancelled = await house.lockkeeper(['cancel', 'latest']);
  assert.equal(cancelled.exitCode, 0, cancelled.stderr);
  await until(async () => (await processesNamed('sleep', nap)).length === 0, 10_000);
  assert.equal(await running.ended, 1);
});

/** As on a machine that has a sandbox for agents, but not for gates. */
const WITHOUT_GATES =
  'case "$*" in *-fix-*) ;; *--remount-ro*) echo "no sandbox here" >&2; exit 1 ;; esac; exec bwrap "$@"';

/** Update of a fleet whose host the agent fixes, with a gate that notes in a file what it was run on. */
async function fixed(
  file: string,
  fleet: Fleet,
  ...more: readonly string[]
): Promise<{ readonly args: readonly string[]; readonly ranOn: () => Promise<string> }> {
  const agent = await writeAgent(fleet.root);
  return {
    args: [
      ...['update', fleet.checkout, '--json', '--gate', `notes=sh -c 'git log -1 --format=%s >> ${file}'`],
      ...['--autofix', agent, '--autofix-arg', 'fix', '--max-attempts', '1', ...BUILT_OUTSIDE, ...more],
    ],
    ranOn: () => readFile(file, 'utf8').catch(() => ''),
  };
}

const MENDED = { hosts: [{ name: 'kyushu', brokenBy: [['beta']] }], inputs: ['alpha', 'beta'] };

test('a gate that no sandbox can be had for runs on what an agent changed once a person has approved it', async (t) => {
  if (process.env.PATH?.split(':').every((folder) => !existsSync(join(folder, 'bwrap'))) !== false) {
    t.skip('bubblewrap is missing');
    return;
  }
  const fleet = await withMovedFleet(t, MENDED);
  const own = await withHouse(t);
  await withStandIn('bwrap', WITHOUT_GATES, async () => {
    const { args, ranOn } = await fixed(join(fleet.root, 'ran'), fleet, '--approve');
    const running = own.start([...args]);
    await until(() => running.output().includes('lockkeeper approve'), 90_000, running.output);
    assert.doesNotMatch(await ranOn(), /^fix/m);
    const status = await own.lockkeeper(['status', 'latest']);
    assert.match(status.stdout + status.stderr, /gate:notes would be verified then/);
    const approved = await own.lockkeeper(['approve', 'latest']);
    assert.equal(approved.exitCode, 0, approved.stderr);
    const report = await running.report();
    assert.match(await ranOn(), /^fix\(kyushu\)/m);
    assert.equal(report.outcome, 'landed');
    assert.deepEqual(
      gatesOf(report).map(({ verdict }) => verdict),
      ['passed'],
    );

    // Where nobody is asked the fix is dropped, and what broke the host is dealt with otherwise.
    const asked = await fixed(join(fleet.root, 'ran-unasked'), fleet, '--land', 'branch');
    const unasked = own.start([...asked.args]);
    const second = await unasked.report();
    assert.doesNotMatch(await asked.ranOn(), /^fix/m);
    assert.deepEqual(
      second.heldBack.map(({ input }) => input),
      ['beta'],
    );
    assert.match(second.fixes[0]?.attempts[0]?.reason ?? '', /could not be verified before an approval/);
  });
});
