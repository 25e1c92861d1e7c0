import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { parse } from 'smol-toml';
import { configurationSchema } from '../../model/config/json-schema.js';
import { withTables } from '../../model/config/markdown.js';
import { INSTANCE_OPTIONS } from '../../model/config/options/index.js';
import { everyOption } from '../../model/config/options/types.js';
import { BadConfiguration, readConfiguration, type Configuration } from '../../model/config/read.js';

const DOCS = new URL('../../../docs/', import.meta.url);
const read = (toml: string): Configuration => readConfiguration(parse(toml));

function faultsOf(toml: string): readonly string[] {
  try {
    read(toml);
  } catch (error) {
    assert.ok(error instanceof BadConfiguration, String(error));
    return error.faults;
  }
  return assert.fail(`accepted: ${toml}`);
}

const PULL_REQUEST = 'land = "pull-request"\nhttpsTokenFile = "/t"';

test('an instance takes what it does not say from [defaults], and the rest from the defaults of each option', () => {
  const { instances } = read(`
    [defaults]
    repoPath = "/src/home"
    branchPrefix = "bot/"
    approval = { deadlineSec = "2d" }
    [instances.daily]
    autoMerge = true
    approval.enable = true
    [instances.weekly]
    branchPrefix = "weekly/"
    takeoverSec = "10min"
  `);
  const [daily, weekly] = instances;
  assert.deepEqual(
    [daily?.name, daily?.autoMerge, daily?.branchPrefix, daily?.takeoverSec],
    ['daily', true, 'bot/', 120],
  );
  assert.deepEqual(daily?.approval, { enable: true, deadlineSec: 172_800, reminderSec: 86_400, withoutKey: false });
  assert.deepEqual([weekly?.autoMerge, weekly?.branchPrefix, weekly?.takeoverSec], [false, 'weekly/', 600]);
  assert.deepEqual([weekly?.approval.enable, weekly?.autoFix.command, weekly?.mainBranch], [false, 'pir', 'main']);
});

const bad: readonly (readonly [what: string, toml: string, message: RegExp])[] = [
  ['an unknown key', 'autoMrege = true', /^instances\.x\.autoMrege "true" is unknown: did you mean "autoMerge"\?$/],
  ['a key of another tool', 'zzzzzzzzzz = 1', /^instances\.x\.zzzzzzzzzz "1" is unknown: there are repoPath, repoUrl/],
  [
    'a misspelt key of a group',
    'approval.deadline = 2',
    /^instances\.x\.approval\.deadline "2" is unknown: did you mean "deadlineSec"/,
  ],
  ['text for a flag', 'dryRun = "yes"', /^instances\.x\.dryRun "yes" is text: give true or false/],
  [
    'a number for text',
    'mainBranch = 5',
    /^instances\.x\.mainBranch "5" is a number: give a branch, as text in quotes/,
  ],
  [
    'text for a list',
    'buildSystems = "web"',
    /^instances\.x\.buildSystems "web" is text: give a list of hosts, in \[ \]/,
  ],
  ['a value for a group', 'approval = true', /^instances\.x\.approval "true" is not a table/],
  [
    'a host that is none',
    'buildSystems = ["web", "-x"]',
    /^instances\.x\.buildSystems\[1\] "-x" is refused: a host name/,
  ],
  ['a relative path', 'ntfyTokenFile = "token"', /^instances\.x\.ntfyTokenFile "token" is not an absolute path/],
  ['a folder outside', 'flakeDir = "../other"', /^instances\.x\.flakeDir "\.\.\/other" is not a folder inside/],
  [
    'an unknown word',
    'onFailure = ["retry"]',
    /^instances\.x\.onFailure\[0\] "retry" is not one of autofix, hold-back, leave-behind, report/,
  ],
  ['an account that is none', 'user = "some body"', /^instances\.x\.user "some body" is not a valid account name/],
  ['a span without sense', 'takeoverSec = "soon"', /^instances\.x\.takeoverSec "soon" is not a time span/],
  ['a negative span', 'repositoryWaitSec = -1', /^instances\.x\.repositoryWaitSec "-1" is not between 0s and a year/],
  ['an unknown time zone', 'timeZone = "Berlin"', /^instances\.x\.timeZone "Berlin" is not a time zone/],
  ['no step', 'onFailure = []', /^instances\.x\.onFailure "" is empty: name steps/],
  [
    'steps after the last',
    'onFailure = ["report", "hold-back"]',
    /^instances\.x\.onFailure "report,hold-back" is refused: nothing is left to do after report/,
  ],
  ['a pattern that cannot be read', 'exclude = "("', /^instances\.x\.exclude "\(" is not a regular expression/],
  [
    'a day that never comes',
    'schedule = ["daily", "*-02-30"]',
    /^instances\.x\.schedule\[1\] "\*-02-30 00:00:00" names a day that does not exist/,
  ],
  ['an empty schedule', 'schedule = []', /^instances\.x\.schedule "\[\]" is empty/],
  [
    'a schedule that is none',
    'schedule = ["daily", "sometimes"]',
    /^instances\.x\.schedule\[1\] "sometimes" is not a calendar event/,
  ],
  [
    'an agent that is not asked',
    'autoFix.enable = true\nonFailure = ["report"]',
    /^instances\.x\.onFailure "\[\\"report\\"\]" does not ask the agent of autoFix\.enable: add "autofix"/,
  ],
  [
    'a gate that nobody knows',
    'gates = ["flake-check", "lint"]',
    /^instances\.x\.gates\[1\] "lint" is not a gate that is known by its name/,
  ],
  [
    'two gates of one name',
    'gates = ["statix"]\ngatesWarn = ["statix=true"]',
    /^instances\.x\.gates "statix" is the name of two gates/,
  ],
  [
    'a gate that may run for a month',
    'gates = ["statix"]\ngateTimeoutSec = "30d"',
    /^instances\.x\.gateTimeoutSec "2592000 s" is longer than 7d/,
  ],
  [
    'a schedule as for cron',
    'schedule = "0 3 * * Mon"',
    /^instances\.x\.schedule "0 3 \* \* Mon" is not a calendar event: it is written as for cron/,
  ],
  [
    'an agent with its arguments',
    'autoFix = { enable = true, command = "claude --print" }',
    /^instances\.x\.autoFix\.command "claude --print" holds arguments: name the command alone/,
  ],
  [
    'too many tries',
    'autoFix.maxAttempts = 99',
    /^instances\.x\.autoFix\.maxAttempts "99" is not a whole number from 1 to 20/,
  ],
  [
    'a pinned input without a date',
    'pinnedInputs = [{ input = "a", reason = "b" }]',
    /^instances\.x\.pinnedInputs\[0\]\.until "nothing" is nothing: give a date/,
  ],
  [
    'an input that is pinned and never held back',
    'neverHoldBack = ["a"]\npinnedInputs = [{ input = "a", reason = "b", until = "2027-01-31" }]',
    /^instances\.x\.pinnedInputs "a" is kept back, but neverHoldBack says never/,
  ],
  [
    'a secret as a setting',
    'nixOptions = { access-tokens = "x" }',
    /^instances\.x\.nixOptions "access-tokens" would put secrets into arguments/,
  ],
  [
    'two addresses',
    'repoUrl = "github:a/b"',
    /^instances\.x\.repoUrl "github:a\/b" names the repository a second time/,
  ],
  [
    'exclusion beside named inputs',
    'excludeInputs = ["a"]\nflakeInputs = ["b"]',
    /^instances\.x\.excludeInputs "a" leaves inputs out of all, but flakeInputs names them already/,
  ],
  [
    'groups beside named inputs',
    'inputGroups = [["a"], ["b"]]\nflakeInputs = ["b"]',
    /^instances\.x\.inputGroups ".*" says which inputs move, and so does flakeInputs: leave one of them out/,
  ],
  [
    'groups beside an exclusion',
    'inputGroups = [["a"], ["b"]]\nexcludeInputs = ["c"]',
    /^instances\.x\.inputGroups ".*" says which inputs move, and so does excludeInputs/,
  ],
  [
    'an input of two groups',
    'inputGroups = [["a", "b"], ["b"]]',
    /^instances\.x\.inputGroups "b" is in two groups: take it out of one/,
  ],
  [
    'requests of single inputs that are merged',
    'land = "pull-request"\nhttpsTokenFile = "/t"\nperInput = true\nmerge = "forge"',
    /^instances\.x\.merge "forge" would merge requests .*: with perInput merge must be never\.$/,
  ],
  ['an empty group', 'inputGroups = [["a"], []]', /^instances\.x\.inputGroups ".*" has an empty group/],
  [
    'groups that are none',
    'inputGroups = ["a"]',
    /^instances\.x\.inputGroups\[0\] "a" is text: give a list of inputs, in \[ \]/,
  ],
  [
    'hosts beside targets',
    'targets = ["home:*"]\nbuildSystems = ["b"]',
    /^instances\.x\.targets "\[\\"home:\*\\"\]" says what is built, and so does buildSystems: leave one/,
  ],
  [
    'targets left out alone',
    'targets = ["!home:a"]',
    /^instances\.x\.targets "!home:a" leaves targets out, but nothing/,
  ],
  ['exclude beside hosts', 'exclude = "a"\nbuildSystems = ["b"]', /^instances\.x\.exclude "a" leaves hosts out of all/],
  [
    'a required host that is not built',
    'require = ["a"]\nbuildSystems = ["b"]',
    /^instances\.x\.require "a" is not built/,
  ],
  [
    'a way of landing beside another one',
    'land = "merge"\ndryRun = true',
    /^instances\.x\.land "merge" contradicts dryRun: leave one of them out\.$/,
  ],
  [
    'a way of landing that is none',
    'land = "rebase"',
    /^instances\.x\.land "rebase" is not one of none, branch, merge, pull-request\.$/,
  ],
  [
    'approval where nothing lands',
    'land = "none"\napproval.enable = true',
    /^instances\.x\.approval\.enable "true" asks before landing/,
  ],
  [
    'approval of a dry run',
    'dryRun = true\napproval.enable = true',
    /^instances\.x\.approval\.enable "true" asks before landing/,
  ],
];

for (const [what, toml, message] of bad)
  test(`${what} is refused with its place, its value and the way out`, () => {
    const faults = faultsOf(`[instances.x]\nrepoPath = "/src"\n${toml}\n`);
    assert.equal(faults.length, 1, faults.join('\n'));
    assert.match(faults[0] ?? '', message);
  });

test('faults outside of instances are named as well, and all of them at once', () => {
  assert.deepEqual(faultsOf('[instance.x]\nrepoPath = "/src"'), [
    'instance "{\\"x\\":{\\"repoPath\\":\\"/src\\"}}" is unknown: did you mean "instances"?',
  ]);
  assert.match(faultsOf('[defaults]\ndryRun = 1')[0] ?? '', /^defaults\.dryRun "1" is a number/);
  assert.match(
    faultsOf('[instances."a b"]\nrepoPath = "/src"')[0] ?? '',
    /^instances\.a b "a b" is not a valid instance name/,
  );
  assert.match(faultsOf('[instances.x]')[0] ?? '', /^instances\.x\.repoPath "" is missing/);
  assert.equal(faultsOf('[instances.x]\ndryRun = 1\nrepoPath = "src"\nautoMrege = ""').length, 3);
});

test('a value that cannot be read hides no other fault, and makes none that is not there', () => {
  const places = (toml: string): readonly string[] => faultsOf(toml).map((each) => each.split(' ')[0] ?? '');
  assert.deepEqual(
    places(`
      [defaults]
      branchPrefix = 1
      [instances.a]
      repoPth = "/src"
      buildSystems = ["web", "-x", "-y"]
      require = ["db"]
      schedule = ["sometimes", "daily", "*-02-30", "never"]
      pinnedInputs = [{ input = "-a", reson = "b", until = "soon" }, 1]
      nixOptions = { access-tokens = "x", Max = "4" }
      dryRun = true
      approval = { enable = true, deadlineSec = 0 }
      inputGroups = [["a"], [], ["a"]]
      [instances.b]
      repoPath = "/src"
      flakeInputs = ["a"]
      excludeInputs = ["b"]
      [instances.c]
      repoPath = "/src"
    `),
    [
      'defaults.branchPrefix',
      'instances.a.repoPth',
      'instances.a.buildSystems[1]',
      'instances.a.buildSystems[2]',
      'instances.a.schedule[0]',
      'instances.a.schedule[2]',
      'instances.a.schedule[3]',
      'instances.a.approval.deadlineSec',
      'instances.a.pinnedInputs[0].input',
      'instances.a.pinnedInputs[0].reson',
      'instances.a.pinnedInputs[0].until',
      'instances.a.pinnedInputs[0].reason',
      'instances.a.pinnedInputs[1]',
      'instances.a.nixOptions',
      'instances.a.nixOptions',
      'instances.a.inputGroups',
      'instances.a.inputGroups',
      'instances.b.excludeInputs',
    ],
  );
  assert.deepEqual(places('instances.a = 1\ninstances.b = { repoPath = "/src", dryRun = 1 }'), [
    'instances.a',
    'instances.b.dryRun',
  ]);
  // What an instance says itself is asked about, whatever [defaults] say.
  assert.deepEqual(
    places('defaults.dryRun = 1\n[instances.a]\nrepoPath = "/src"\ndryRun = true\napproval.enable = true'),
    ['defaults.dryRun', 'instances.a.approval.enable'],
  );
});

test('land, autoMerge and dryRun are words for the same, and an instance has the last one', () => {
  for (const [defaults, own, lands] of [
    ['', '', 'branch'],
    ['', 'land = "merge"', 'merge'],
    ['', 'autoMerge = true', 'merge'],
    ['', 'autoMerge = true\ndryRun = true', 'none'],
    ['', 'land = "merge"\nautoMerge = true', 'merge'],
    ['', 'land = "none"\nautoMerge = true', 'none'],
    ['autoMerge = true', 'land = "branch"', 'branch'],
    ['dryRun = true', 'land = "merge"', 'merge'],
    ['dryRun = true', 'autoMerge = true', 'none'],
    ['land = "merge"', 'autoMerge = false', 'branch'],
    ['land = "merge"', 'dryRun = true', 'none'],
    ['land = "none"', 'dryRun = false', 'branch'],
    [PULL_REQUEST, '', 'pull-request'],
    [PULL_REQUEST, 'dryRun = true', 'none'],
    [PULL_REQUEST, 'autoMerge = true', 'merge'],
    [PULL_REQUEST, 'land = "branch"', 'branch'],
    ['land = "merge"\nhttpsTokenFile = "/t"', 'land = "pull-request"', 'pull-request'],
  ] as const) {
    const toml = `[defaults]\nrepoPath = "/src"\n${defaults}\n[instances.x]\n${own}\n`;
    assert.equal(read(toml).instances[0]?.land, lands, toml);
  }
});

test('two instances that would write one branch of one repository are refused, and others are not', () => {
  const two = (a: string, b: string): string =>
    `[defaults]\nrepoPath = "/src"\n[instances.a]\n${a}\n[instances.b]\n${b}\n`;
  assert.match(
    faultsOf(two('', ''))[0] ?? '',
    /^instances\.b\.branchPrefix "flake-update-" is also used by instances\.a/,
  );
  for (const other of ['branchPrefix = "b-"', 'autoMerge = true', 'dryRun = true', 'repoPath = "/b"'])
    assert.equal(read(two('', other)).instances.length, 2, other);
  assert.equal(read(two(PULL_REQUEST, '')).instances.length, 2, 'a branch of pull requests is none of a day');
  assert.match(
    faultsOf(two(PULL_REQUEST, PULL_REQUEST))[0] ?? '',
    /^instances\.b\.branch "bot\/flake-update" is also used by instances\.a, .*: give each a branch of its own\.$/,
  );
});

test('every example of the documentation is a value that the option takes', () => {
  for (const [name, { kind, example }] of everyOption(INSTANCE_OPTIONS))
    kind.read(parse(`value = ${example}`).value, name);
});

test('what the documentation takes from the options is up to date (node dist/scripts/configuration-docs.js)', async () => {
  for (const [name, tables] of [
    ['configuration.md', 1],
    ['commands.md', 13],
    ['targets.md', 1],
  ] as const) {
    const page = await readFile(new URL(name, DOCS), 'utf8');
    assert.equal(page, withTables(page));
    assert.equal(page.match(/^<!-- (?:options|kinds|flags)/gm)?.length, tables);
  }
  const schema = await readFile(new URL('lockkeeper.schema.json', DOCS), 'utf8');
  assert.deepEqual(JSON.parse(schema), JSON.parse(JSON.stringify(configurationSchema())));
});
