import assert from 'node:assert/strict';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { ReportedAttempt } from '../../model/report/data.js';
import { BUILT_OUTSIDE, writeAgent } from '../support/agent.js';
import { withMovedFleet } from '../support/fleet.js';
import { git } from '../support/git.js';
import { until } from '../support/lockkeeper.js';
import { withServedHouse } from '../support/runs.js';
import { wholeFile, withFolder } from '../support/scope.js';

const { house } = await withServedHouse(wholeFile);
const agent = await writeAgent(house.root);

/** Options that let the tests' agent behave so. */
const asking = (...behaviour: string[]): string[] => [
  '--autofix',
  agent,
  ...behaviour.flatMap((each) => ['--autofix-arg', each]),
  ...BUILT_OUTSIDE,
];

/** Logs of all attempts that were made in this house. */
const attemptLogs = async (): Promise<readonly string[]> =>
  (await readdir(house.state.builds, { recursive: true })).filter((name) => /-fix-\d+\/log$/.test(name));

/** The attempt that was begun since, if its agent runs already. */
async function newLog(known: readonly string[]): Promise<{ readonly folder: string; readonly text: string } | null> {
  const found = (await attemptLogs()).find((name) => !known.includes(name));
  if (found === undefined) return null;
  const file = join(house.state.builds, found);
  return { folder: dirname(file), text: await readFile(file, 'utf8') };
}

/** How many processes of agents run in this house. */
async function runningAgents(): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const all = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')));
  return all.filter((text) => text.includes(`LOCKKEEPER_ATTEMPT=${house.state.builds}`)).length;
}

/** Names of the store paths that a folder of a cache has. */
const readUploads = async (folder: string): Promise<readonly string[]> => {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.narinfo'));
  return Promise.all(
    files.map(async (name) => /^StorePath: (.*)$/m.exec(await readFile(join(folder, name), 'utf8'))?.[1] ?? ''),
  );
};

const outcomes = (attempts: readonly ReportedAttempt[] = []): readonly string[] =>
  attempts.map(({ outcome }) => outcome);

test('an agent fixes a host, and its fix lands on top of the lock, verified', async (t) => {
  const fleet = await withMovedFleet(t, { hosts: [{ name: 'athena' }, { name: 'kyushu', brokenBy: [['beta']] }] });
  // A command looks at its run once a second: an agent that is quicker is not seen at work.
  const cache = await withFolder(t);
  const { exitCode, report, stderr } = await house.update(
    fleet.checkout,
    ...[...asking('say-prompt', 'think', 'fix'), '--cache', `file://${cache} required=false`],
  );
  assert.equal(exitCode, 0, stderr);
  assert.equal(report.outcome, 'landed');
  const uploaded = await readUploads(cache);
  assert.ok(
    uploaded.some((name) => name.includes('athena')),
    stderr,
  );
  assert.ok(
    !uploaded.some((name) => name.includes('kyushu')),
    'what an agent changed is in no cache before a person saw it',
  );
  const [fix] = report.fixes;
  assert.equal(fix?.target, 'kyushu');
  assert.deepEqual(outcomes(fix.attempts), ['mended']);
  assert.deepEqual(fix.attempts[0]?.files, ['flake.nix']);
  assert.deepEqual(report.heldBack, []);
  assert.ok(report.targets.every(({ verdict }) => verdict === 'built'));
  assert.match(stderr, /attempt 1 of 3 at kyushu: asks /);

  const branch = report.landed?.ref ?? '';
  const subjects = await git(fleet.remote, 'log', '--format=%s', `main..${branch}`);
  assert.equal(subjects, 'fix(kyushu): work with the updated inputs\nchore(flake): update flake.lock');
  assert.equal(await git(fleet.remote, 'rev-parse', branch), fix.commit);
  const message = await git(fleet.remote, 'log', '-1', '--format=%B', branch);
  assert.match(message, /kyushu does not build:\n- .*exit code 7/);
  assert.match(message, /Changed by .*test-agent, attempt 1\.\n\nLockkeeper-Instance: update\nLockkeeper-Run: /);

  const said = await house.lockkeeper(['logs', report.run, 'kyushu', '--attempt', '1']);
  assert.match(
    said.stdout,
    /^# Fix the NixOS host kyushu\n[^]*- beta: [0-9a-f]{8} → [0-9a-f]{8}[^]*exit code 7/,
    said.stderr,
  );
  const none = await house.lockkeeper(['logs', report.run, 'kyushu', '--attempt', '2']);
  assert.match(none.stderr, /has no log of an attempt 2/);
  const text = await house.lockkeeper(['report', report.run]);
  assert.match(text.stdout, /What the agent was asked to fix\n {2}kyushu: fixed by [0-9a-f]{8}\n {4}attempt 1 \(/);
});

test('a second attempt knows why the first one did not do', async (t) => {
  const fleet = await withMovedFleet(t, { hosts: [{ name: 'kyushu', brokenBy: [['beta']] }] });
  const { exitCode, report, stderr } = await house.update(fleet.checkout, '--dry-run', ...asking('fix-second'));
  assert.equal(exitCode, 0, stderr);
  const [fix] = report.fixes;
  assert.deepEqual(outcomes(fix?.attempts), ['still-broken', 'mended']);
  assert.match(fix?.attempts[0]?.reason ?? '', /does not fix it: .*exit code 7/);
  assert.deepEqual(
    fix?.attempts.map(({ files }) => files),
    [['NOTES.md'], ['flake.nix']],
  );
});

test('a fix that repairs two hosts is one, and a fix that breaks another host is taken out and made anew', async (t) => {
  const fleet = await withMovedFleet(t, {
    hosts: [{ name: 'athena' }, { name: 'kyushu', brokenBy: [['beta']] }, { name: 'rhea', brokenBy: [['beta']] }],
  });
  const { exitCode, report, stderr } = await house.update(fleet.checkout, ...asking('fix', 'careless:athena'));
  assert.equal(exitCode, 0, stderr);
  const [kyushu, rhea] = report.fixes;
  assert.deepEqual(outcomes(kyushu?.attempts), ['taken-out', 'mended']);
  assert.match(kyushu?.attempts[0]?.reason ?? '', /^breaks athena: .*exit code 7/);
  assert.equal(rhea?.target, 'rhea');
  assert.deepEqual(rhea.attempts, []);
  assert.equal(rhea.commit, kyushu?.commit);
  assert.ok(report.targets.every(({ verdict }) => verdict === 'built'));
  const branch = report.landed?.ref ?? '';
  assert.equal(await git(fleet.remote, 'rev-list', '--count', `main..${branch}`), '2');
});

test('what the agent cannot fix is held back, and its fixes land beside that', async (t) => {
  const fleet = await withMovedFleet(t, {
    hosts: [
      { name: 'athena', brokenBy: [['beta']] },
      { name: 'kyushu', brokenBy: [['gamma']] },
      { name: 'rhea', fail: 'eval' },
    ],
    inputs: ['alpha', 'beta', 'gamma'],
  });
  const asked = [...asking('fix:athena'), '--max-attempts', '1'];
  const { exitCode, report, stderr } = await house.update(fleet.checkout, ...asked);
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(
    report.fixes.map(({ target, attempts, commit }) => [target, outcomes(attempts), commit !== null]),
    [
      ['athena', ['mended'], true],
      ['kyushu', ['unchanged'], false],
    ],
  );
  assert.deepEqual(
    report.heldBack.map(({ input }) => input),
    ['gamma'],
  );
  assert.deepEqual(report.brokenOnBase, ['rhea'], 'no agent was asked about it');
  const branch = report.landed?.ref ?? '';
  assert.equal(
    await git(fleet.remote, 'log', '--format=%s', `main..${branch}`),
    'fix(athena): work with the updated inputs\nchore(flake): update flake.lock',
  );
});

test('an agent outlives its worker, as the same attempt, and its fix goes along when main moves', async (t) => {
  const fleet = await withMovedFleet(t, { hosts: [{ name: 'kyushu', brokenBy: [['beta']] }] });
  const known = await attemptLogs();
  const running = house.start(['update', fleet.checkout, '--land', 'merge', '--json', ...asking('wait', 'fix')]);
  await until(async () => (await newLog(known))?.text.includes('it waits') === true, 60_000, running.output);
  const { pid } = await house.worker();
  process.kill(pid, 'SIGKILL');
  // The command that follows the run brings another one.
  await until(
    async () => {
      const worker = await house.worker();
      return worker.ready && worker.pid !== pid;
    },
    60_000,
    running.output,
  );
  await fleet.pushToMain({ 'NOTES.md': 'by a colleague\n' });
  await writeFile(join((await newLog(known))?.folder ?? '', 'tmp', 'go'), '');
  const report = await running.report();
  assert.deepEqual(outcomes(report.fixes[0]?.attempts), ['mended']);
  assert.equal((await newLog(known))?.text, 'it waits\n', 'it was not begun again');
  assert.equal(
    await git(fleet.remote, 'log', '-3', '--format=%s', 'main'),
    'fix(kyushu): work with the updated inputs\nchore(flake): update flake.lock\nA change of a colleague',
  );
  assert.equal(report.fixes[0]?.commit, await git(fleet.remote, 'rev-parse', 'main'));
});

test('cancelling a run ends its agent with all its processes', async (t) => {
  const fleet = await withMovedFleet(t, { hosts: [{ name: 'kyushu', brokenBy: [['beta']] }] });
  const running = house.start(['update', fleet.checkout, '--dry-run', ...asking('hang')]);
  await until(() => running.output().includes('asks '), 60_000, running.output);
  await until(async () => (await runningAgents()) > 0, 60_000, running.output);
  const cancelled = await house.lockkeeper(['cancel', 'latest']);
  assert.equal(cancelled.exitCode, 0, cancelled.stderr);
  await running.ended;
  await until(
    async () => (await runningAgents()) === 0,
    30_000,
    () => 'the agent still runs',
  );
});
