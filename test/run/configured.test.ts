import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Report } from '../../model/report/data.js';
import { withFleet } from '../support/fleet.js';
import { until, withHouse } from '../support/lockkeeper.js';
import { withServedHouse } from '../support/runs.js';
import { wholeFile } from '../support/scope.js';

const { house } = await withServedHouse(wholeFile);
const fleet = await withFleet(wholeFile, { hosts: [{ name: 'athena' }, { name: 'web', input: 'beta' }] });

/** Writes a configuration beside the house, and gives the flag that names it. */
async function configured(toml: string): Promise<readonly string[]> {
  const file = join(house.root, 'lockkeeper.toml');
  await writeFile(file, `[defaults]\nrepoPath = "${fleet.checkout}"\ntimeZone = "UTC"\n${toml}`);
  return ['--config', file];
}

interface Started {
  readonly run: string;
  readonly isNew: boolean;
  readonly problem: string | null;
}

const started = async (instance: string, flags: readonly string[]): Promise<Started> => {
  const { exitCode, stdout, stderr } = await house.lockkeeper(['run', instance, '--json', ...flags]);
  assert.equal(exitCode, 0, stderr);
  return JSON.parse(stdout) as Started;
};

const reportOf = async (run: string): Promise<Report> => {
  const { stdout, stderr } = await house.lockkeeper(['watch', run, '--json']);
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout) as Report;
};

test('a run of an instance does what the file asks, and is followed to its end with --watch', async () => {
  const revision = await fleet.moveInput('beta');
  const flags = await configured(`
    [instances.nightly]
    flakeInputs = ["beta"]
    cooldown = "1h"
    inputCooldown = { beta = "1d" }
    buildSystems = ["web"]
    branchPrefix = "bot/nightly-"
    author = "Bot <bot@example.org>"
    gates = ["locked=git diff --quiet HEAD -- flake.lock"]
    gatesWarn = ["licence=test -e LICENSE"]
  `);
  const early = await house.lockkeeper(['run', 'nightly', '--watch', '--json', ...flags]);
  assert.equal(early.exitCode, 2, early.stderr);
  assert.deepEqual((JSON.parse(early.stdout) as Report).waiting, [
    { name: 'beta', cooldown: 86_400, movesTo: null, newer: 1 },
  ]);
  const urgent = ['run', 'nightly', '--watch', '--json', '--no-cooldown'];
  const { exitCode, stdout, stderr } = await house.lockkeeper([...urgent, ...flags]);
  assert.equal(exitCode, 0, stderr);
  const report = JSON.parse(stdout) as Report & { readonly gates: readonly { name: string; verdict: string }[] };
  assert.deepEqual(
    [
      report.instance,
      report.outcome,
      report.inputs.map(({ name, to }) => [name, to]),
      report.targets.map(({ name }) => name),
    ],
    ['nightly', 'landed', [['beta', revision]], ['web']],
  );
  assert.deepEqual(
    report.gates.map(({ name, verdict }) => `${name} ${verdict}`),
    ['gate:licence failed', 'gate:locked passed'],
  );
  assert.match(report.landed?.ref ?? '', /bot\/nightly-\d{8}$/);

  // Of a run that is over nothing is live: it is told with its own times.
  const over = await house.lockkeeper(['watch', report.run, '--json']);
  assert.deepEqual([over.exitCode, JSON.parse(over.stdout)], [0, JSON.parse(stdout)]);
  assert.match(over.stderr, /^The run is over: it ran from \d{4}-\d\d-\d\d \d\d:\d\d to [\d-]+ \d\d:\d\d UTC\.\n$/);
});

test('groups of inputs take turns, also after a run whose hosts broke and in the runs of another worker', async (t) => {
  const own = await withFleet(t, {
    inputs: ['alpha', 'beta', 'gamma'],
    hosts: [
      { name: 'athena', input: 'alpha', fail: 'build-after-move' },
      { name: 'web', input: 'gamma' },
    ],
  });
  const other = await withHouse(t);
  for (const name of ['alpha', 'beta', 'gamma']) await own.moveInput(name);
  const file = join(other.root, 'lockkeeper.toml');
  await writeFile(
    file,
    `[instances.turns]\nrepoPath = "${own.checkout}"\nautoMerge = true\ninputGroups = [["alpha"], ["beta"], ["gamma"]]\n`,
  );
  const turn = async (): Promise<readonly unknown[]> => {
    // Its worker and server end with the command: each run has others.
    const { stdout, stderr } = await other.lockkeeper(['run', 'turns', '--watch', '--json', '--config', file]);
    assert.notEqual(stdout, '', stderr);
    const { inputGroup, outcome } = JSON.parse(stdout) as Report;
    return [inputGroup ?? null, outcome];
  };
  assert.deepEqual(await turn(), [['alpha'], 'broken']);
  assert.deepEqual(await turn(), [['beta'], 'landed']);
  assert.deepEqual(await turn(), [['gamma'], 'landed']);
  assert.deepEqual(await turn(), [['alpha'], 'broken'], 'it has its turn again');
});

test('instances of one repository run one after another, each on what the one before landed, and none is started twice', async () => {
  await fleet.moveInput('alpha');
  await fleet.moveInput('beta');
  const flags = await configured(`
    [instances.one]
    flakeInputs = ["alpha"]
    autoMerge = true
    [instances.two]
    dryRun = true
    buildSystems = ["athena"]
  `);
  const one = await started('one', flags);
  const two = await started('two', flags);
  const again = await started('two', flags);
  assert.deepEqual([one.isNew, two.isNew, again], [true, true, { ...two, isNew: false }]);
  const [first, second] = await Promise.all([reportOf(one.run), reportOf(two.run)]);
  assert.deepEqual([first.outcome, second.outcome], ['landed', 'verified']);
  assert.equal(second.base, first.landed?.commit, 'what main was while it waited is old');
  assert.deepEqual(
    second.inputs.map(({ name }) => name),
    ['beta'],
  );
  assert.deepEqual([first.targets.length, second.targets.length], [2, 1]);
  const { stdout } = await house.lockkeeper(['list', '--json']);
  const listed = JSON.parse(stdout) as readonly { readonly run: string; readonly closedAt: string }[];
  const closed = (run: string): string => listed.find((each) => each.run === run)?.closedAt ?? '';
  assert.ok(closed(one.run) < closed(two.run), stdout);
});

test('without a worker apply says that schedules start nothing, and run brings one that does the run without the command', async (t) => {
  const alone = await withHouse(t);
  const flags = await configured('[instances.daily]\ndryRun = true\n');
  const applied = await alone.lockkeeper(['apply', ...flags]);
  assert.match(
    applied.stderr,
    /note: no worker polls the queue lockkeeper: start one with "lockkeeper worker", or keep server and worker up with "lockkeeper dev"\.\n/,
  );
  const { exitCode, stdout, stderr } = await alone.lockkeeper(['run', 'daily', ...flags]);
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, /^daily-.*-\d{8}-\d{6}\n?$/);
  assert.match(stderr, /^Started a worker here: it goes on without this command/m);
  assert.doesNotMatch(stderr, /no worker polls/);
  const report = join(alone.state.reports, `${stdout.trim()}.json`);
  await until(() => existsSync(report), 60_000);
});

test('an instance whose repository is not there is named with its place in the file', async () => {
  const flags = await configured('[instances.lost]\nrepoPath = "/nowhere/at/all"\n');
  const { exitCode, stderr } = await house.lockkeeper(['run', 'lost', ...flags]);
  assert.equal(exitCode, 1);
  assert.match(stderr, /instances\.lost\.repoPath \/nowhere\/at\/all does not exist\./);
});
