import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'smol-toml';
import { optionsSummary } from '../../client/options/options-summary.js';
import { readFlags, type TypedFlags } from '../../client/options/flags.js';
import { INSTANCE_OPTIONS, type InstanceOptions } from '../../model/config/options/index.js';
import { everyOption, flagKey } from '../../model/config/options/types.js';
import { readConfiguration } from '../../model/config/read.js';
import { runOptionsOf } from '../../model/config/run-options.js';
import { repositoryAt } from '../support/repository.js';

const KEY = `k:${'A'.repeat(43)}=`;

/** Flags as commander gives them, and the same in a file. */
const SAME: readonly (readonly [flags: TypedFlags, toml: string])[] = [
  [{}, ''],
  [{ input: ['b, a'], require: ['web,db'] }, 'flakeInputs = ["a", "b"]\nrequire = ["db", "web"]'],
  [{ excludeInput: ['a', 'b'], require: ['all'] }, 'excludeInputs = ["a", "b"]'],
  [
    { cooldown: ['3d'], inputCooldown: ['nixpkgs 7d', 'own 0'] },
    'cooldown = "3d"\ninputCooldown = { nixpkgs = "7d", own = 0 }',
  ],
  [{ host: ['web', 'db'] }, 'buildSystems = ["web", "db"]'],
  [
    { targets: ['nixos:*, !home:bob', 'home:*,web'], require: ['package:*.a'] },
    'targets = ["nixos:*", "home:*", "!home:bob", "web"]\nrequire = ["package:*.a"]',
  ],
  [{ exclude: ['.*-minimal'], remote: ['upstream'], main: ['trunk'] }, 'exclude = ".*-minimal"'],
  [
    { land: ['merge'], author: ['A <a@b>'], committer: ['C <c@d>'] },
    'land = "merge"\nauthor = "A <a@b>"\ncommitter = "C <c@d>"',
  ],
  [{ dryRun: true, timeZone: ['Europe/Berlin'] }, 'dryRun = true\ntimeZone = "Europe/Berlin"'],
  [
    {
      ...{ land: ['pull-request'], branch: ['bot/x'], label: ['nix', 'a b'] },
      ...{ assignee: ['ann', 'bob'], reviewer: ['eve', 'nixos/night'], milestone: ['26.11, later'] },
      ...{ merge: ['self'], mergeMethod: ['squash'], mergeWait: ['2h'], openWithoutChange: true },
      ...{ forgeKind: ['gitea'], forgeUrl: ['https://git.example.org'], forgeTokenFile: ['/run/token'] },
    },
    'land = "pull-request"\nbranch = "bot/x"\nlabels = ["nix", "a b"]\n' +
      'assignees = ["ann", "bob"]\nreviewers = ["eve", "nixos/night"]\nmilestone = "26.11, later"\n' +
      'merge = "self"\nmergeMethod = "squash"\nmergeWaitSec = "2h"\nopenWithoutChange = true\n' +
      'forge = { kind = "gitea", url = "https://git.example.org", tokenFile = "/run/token" }',
  ],
  [
    {
      ...{ land: ['pull-request'], forgeKind: ['github'], forgeUrl: ['https://github.com'] },
      ...{ draft: true, perInput: true },
      ...{ forgeAppId: ['123456'], forgeAppKeyFile: ['/run/app.pem'] },
    },
    'land = "pull-request"\nperInput = true\ndraft = true\nforge = { kind = "github", url = "https://github.com", ' +
      'appId = "123456", appKeyFile = "/run/app.pem" }',
  ],
  [
    {
      ...{ land: ['pull-request'], perRun: true, branchPrefix: ['nightly-'], forgeKind: ['gitea'] },
      ...{ forgeUrl: ['https://git.example.org'], forgeTokenFile: ['/run/token'] },
    },
    'land = "pull-request"\nperRun = true\nbranchPrefix = "nightly-"\n' +
      'forge = { kind = "gitea", url = "https://git.example.org", tokenFile = "/run/token" }',
  ],
  [{ skipUpdate: true, against: ['v1.2'], buildBase: true }, 'skipUpdate = true\nagainst = "v1.2"\nbuildBase = true'],
  [{ land: ['merge'], channel: ['t-{host}'] }, 'land = "merge"\nchannel = "t-{host}"'],
  [{ branchPrefix: ['bot/'], removeOldBranches: true }, 'branchPrefix = "bot/"\nremoveOldBranches = true'],
  [
    { approve: true, approvalDeadline: ['2d'], approvalReminder: ['60'], approveWithoutKey: true },
    'approval = { enable = true, deadlineSec = "2d", reminderSec = 60, withoutKey = true }',
  ],
  [
    { gate: ['x=echo a,b', 'fmt'], gateWarn: ['statix'], gateTimeout: ['2h'] },
    'gates = ["x=echo a,b", "fmt"]\ngatesWarn = ["statix"]\ngateTimeoutSec = "2h"',
  ],
  [
    {
      onFailure: ['hold-back,leave-behind'],
      neverHoldBack: ['b,a,'],
      pin: ['c 2027-01-31 zfs lags behind'],
      heldBackAlarm: ['1w'],
    },
    'onFailure = ["hold-back", "leave-behind"]\nneverHoldBack = ["a", "b"]\nheldBackAlarmSec = "7d"\n' +
      'pinnedInputs = [{ input = "c", reason = "zfs lags behind", until = "2027-01-31" }]',
  ],
  [
    {
      ...{
        autofix: ['claude'],
        autofixArg: ['a, b', '--c'],
        autofixEnvFile: ['/run/env'],
        autofixHomePath: ['.config/a'],
      },
      ...{ autofixNetwork: ['none'], autofixNixDaemon: true, maxAttempts: ['2'], autofixTimeout: ['1h'] },
      ...{ autofixProtect: ['a,b'], autofixMaxFiles: ['5'], autofixMaxLines: ['100'] },
      ...{
        autofixMaxMemory: ['4G'],
        autofixMaxProcesses: ['512'],
        autofixMaxDisk: ['10G'],
        autofixMaxDiskFiles: ['1000'],
      },
    },
    '[instances.x.autoFix]\nenable = true\ncommand = "claude"\nextraArgs = ["a, b", "--c"]\nenvFile = "/run/env"\n' +
      'homePaths = [".config/a"]\nnetwork = "none"\nnixDaemon = true\nmaxAttempts = 2\ntimeoutSec = "1h"\n' +
      'protectedPaths = ["a", "b"]\nmaxFiles = 5\nmaxLines = 100\nmaxMemory = "4G"\nmaxProcesses = 512\n' +
      'maxDisk = "10G"\nmaxDiskFiles = 1000',
  ],
  [
    {
      ntfyServer: ['https://ntfy.example.org'],
      ntfyTopic: ['nix'],
      ntfyTokenFile: ['/run/ntfy'],
      inboxOrg: ['/home/i.org'],
      siteDir: ['/srv/www'],
      siteUrl: ['https://fleet.example.org'],
    },
    'ntfyServer = "https://ntfy.example.org"\nntfyTopic = "nix"\nntfyTokenFile = "/run/ntfy"\ninboxOrg = "/home/i.org"\n' +
      'siteDir = "/srv/www"\nsiteUrl = "https://fleet.example.org"',
  ],
  [
    {
      nixOption: ['max-jobs 4', 'builders ', 'cores 1 2'],
      impure: true,
      acceptFlakeConfig: true,
      allowSource: ['b.c', 'path:/a,b'],
    },
    'nixOptions = { max-jobs = "4", builders = "", cores = "1 2" }\nimpure = true\nacceptFlakeConfig = true\n' +
      'allowSources = ["b.c", "path:/a,b"]',
  ],
  [
    {
      takeoverTime: ['5min'],
      builderWait: ['1h'],
      keepClosures: ['3'],
      buildBase: true,
      advisories: ['/a'],
      namedPackage: ['linux', 'gtk+3'],
    },
    'takeoverSec = "5min"\nbuilderWaitSec = "1h"\nkeepClosures = 3\nbuildBase = true\nadvisories = "/a"\nnamedPackages = ["linux", "gtk+3"]',
  ],
  [{ maxBuilds: ['0'] }, 'maxBuilds = 0'],
  [
    {
      cache: ['s3://b?region=eu priority=7 required=false', `file:///srv/c secretKeyFile=/k trustedKeys=${KEY},${KEY}`],
      uploads: ['3'],
      uploadBroken: true,
    },
    `uploads = 3\nuploadBroken = true\ncaches = [{ to = "file:///srv/c", secretKeyFile = "/k", trustedKeys = ["${KEY}", "${KEY}"] }, ` +
      '{ to = "s3://b?region=eu", priority = 7, required = false }]',
  ],
  [{ signingKeyFile: ['/s'], signingFormat: ['openpgp'] }, 'signing = { keyFile = "/s", format = "openpgp" }'],
  [
    { sshKeyFile: ['/k'], knownHostsFile: ['/h'], httpsTokenFile: ['/t'], accessTokensFile: ['/a'] },
    'sshKeyFile = "/k"\nknownHostsFile = "/h"\nhttpsTokenFile = "/t"\naccessTokensFile = "/a"',
  ],
];

const ofRun = (options: InstanceOptions) =>
  runOptionsOf({ ...options, name: 'x' }, repositoryAt('/srv/nixos/fleet.git'));

test('flags ask the same of a run as the options of a file that have other names', () => {
  for (const [flags, toml] of SAME) {
    const { instances } = readConfiguration(parse(`[instances.x]\nrepoPath = "/src"\n${toml}`));
    assert.ok(instances[0] !== undefined);
    assert.deepEqual(ofRun(readFlags(flags).options), ofRun(instances[0]), toml);
  }
});

test('verify asks the same as an instance that verifies, whatever is said of updates', () => {
  const flags = { host: ['web'], require: ['web'], gate: ['fmt'], takeoverTime: ['5min'] };
  const { instances } = readConfiguration(
    parse(
      '[defaults]\nland = "merge"\napproval = { enable = true }\nflakeInputs = ["a"]\n[instances.x]\nrepoPath = "/src"\n' +
        'mode = "verify"\nbuildSystems = ["web"]\nrequire = ["web"]\ngates = ["fmt"]\ntakeoverSec = "5min"',
    ),
  );
  assert.ok(instances[0] !== undefined);
  const asked = ofRun(readFlags(flags, 'verify').options);
  assert.deepEqual(asked, ofRun(instances[0]));
  assert.deepEqual([asked.verifies, asked.landing.mode, asked.approval, asked.inputs], [true, 'none', null, 'all']);
  assert.notEqual(asked.lockWorkflowId, ofRun(readFlags(flags).options).lockWorkflowId);
});

test('each flag is tried above', () => {
  const tried = new Set(SAME.flatMap(([flags]) => Object.keys(flags)));
  const flags = everyOption(INSTANCE_OPTIONS).flatMap(([, { flag }]) => (flag === undefined ? [] : [flagKey(flag)]));
  assert.deepEqual(
    flags.filter((each) => !tried.has(each)),
    [],
  );
});

test('a dry run of an instance whose inputs have a request each is about the same inputs, each by itself', () => {
  const summary = (more: string): string => {
    const { instances } = readConfiguration(
      parse(
        '[defaults]\nrepoPath = "/src"\nland = "pull-request"\nhttpsTokenFile = "/t"\nperInput = true\n' +
          `excludeInputs = ["c"]\ninputGroups = [["a", "b"]]\nforge = { kind = "gitea", url = "https://git.example.org" }\n[instances.x]\n${more}`,
      ),
    );
    assert.ok(instances[0] !== undefined);
    return optionsSummary(ofRun(instances[0]));
  };
  const inputs = 'inputs all but c, sharing a request: a, b;';
  assert.ok(summary('').startsWith(`land pull-request (bot/flake-update, one for each input); ${inputs}`), summary(''));
  const dry = summary('dryRun = true');
  assert.ok(dry.startsWith(`land none (each input by itself); ${inputs}`), dry);
});

test('limits of an agent that are not given are left to its machine', () => {
  assert.equal('limits' in (ofRun(readFlags({ autofix: ['claude'] }).options).autofix ?? {}), false);
  const { autofix } = ofRun(readFlags({ autofix: ['claude'], autofixMaxDisk: ['10G'] }).options);
  assert.deepEqual(autofix?.limits, { diskBytes: 10 * 1024 ** 3 });
});

test('what flags cannot mean is told by their own names, all of it at once', () => {
  for (const [flags, message] of [
    [{ land: ['merge'], dryRun: true }, /^--land "merge" contradicts --dry-run: leave one of them out\.$/],
    [{ approve: true, dryRun: true }, /^--approve asks before landing, but a dry run lands nothing/],
    [{ land: ['pull-request'] }, /^--land "pull-request" needs a token of the forge: name its file/],
    [{ merge: ['self'] }, /^--merge "self" is for pull requests, but --land is branch: leave one of them out\.$/],
    [
      { land: ['pull-request'], forgeTokenFile: ['/t'], mergeMethod: ['squash'] },
      /^--merge-method "squash" does nothing where a person merges: give --merge as forge or self\.$/,
    ],
    [{ draft: true }, /^--draft is for pull requests, but --land is branch: leave one of them out\.$/],
    [
      { land: ['pull-request'], forgeTokenFile: ['/t'], merge: ['self'], draft: true },
      /^--draft can be merged by nobody, but --merge is self: leave one of them out\.$/,
    ],
    [
      { assignee: ['@ann'] },
      /^--assignee "@ann" is not an account of a forge: give its name, such as ann, without "@"\.$/,
    ],
    [{ reviewer: ['a/b/c'] }, /^--reviewer "a\/b\/c" is not an account or team: give one such as ann or/],
    [{ siteUrl: ['https://x.org'] }, /^--site-url does nothing by itself: add --site-dir\.$/],
    [{ label: ['nix'] }, /^--label "nix" is for pull requests, but --land is branch: leave one of them out\.$/],
    [{ removeOldBranches: true, land: ['merge'] }, /^--remove-old-branches is for updates .* but --land is merge/],
    [{ channel: ['tested'] }, /^--channel "tested" is the same branch for all hosts: put \{host\} where/],
    [{ channel: ['a-{host}'] }, /^--channel "a-\{host\}" moves only .* but --land is branch: .*"lockkeeper verify"/],
    [
      {
        ...{ channel: ['a-{host}'], land: ['pull-request'], forgeTokenFile: ['/t'] },
        ...{ merge: ['self'], mergeMethod: ['squash'] },
      },
      /^--channel "a-\{host\}" moves only .* but --merge-method is squash: .*"lockkeeper verify"/,
    ],
    [
      { land: ['pull-request'], forgeTokenFile: ['/t'], merge: ['self'], perInput: true },
      /^--merge "self" would merge requests .*: with --per-input --merge must be never\.$/,
    ],
    [
      { land: ['pull-request'], forgeTokenFile: ['/t'], perRun: true, perInput: true },
      /^--per-run opens one request for all inputs, and --per-input one for each: leave one of them out\.$/,
    ],
    [
      { land: ['pull-request'], forgeTokenFile: ['/t'], perRun: true, branchPrefix: ['bot/'] },
      /^--branch-prefix "bot\/" has date and time behind it with --per-run: let it end with "-"\.$/,
    ],
    [{ perRun: true }, /^--per-run is for pull requests, but --land is branch: give --land as pull-request/],
    [{ approvalDeadline: ['2d'] }, /^--approval-deadline does nothing by itself: add --approve\.$/],
    [{ autofixArg: ['x'] }, /^--autofix-arg does nothing by itself: add --autofix\.$/],
    [{ onFailure: ['autofix'] }, /^--on-failure "autofix" asks an agent, but there is none: give --autofix/],
    [{ autofix: ['x'], onFailure: ['report'] }, /^--on-failure "report" does not ask the agent of --autofix/],
    [{ autofix: ['x'], autofixMaxMemory: ['lots'] }, /^--autofix-max-memory "lots" is not a size: give whole bytes/],
    [
      { autofix: ['x'], autofixMaxMemory: ['1K'] },
      /^--autofix-max-memory "1K" is too small: give at least 1\.0 MiB\.$/,
    ],
    [{ pin: ['nixpkgs soon'] }, /^--pin "nixpkgs soon" is not an input, a last day and a reason/],
    [{ pin: ['nixpkgs 2027-02-30 zfs'] }, /^--pin "2027-02-30" is not a date/],
    [{ require: ['all,web'] }, /^--require "all,web" is either "all" or a list of targets, not both\.$/],
    [{ cache: ['file:///c secret-key=/k'] }, /^--cache "secret-key=\/k" is not NAME=VALUE/],
    [{ cache: ['file:///c', 'file:///c/'] }, /^--cache "file:\/\/\/c" is given twice/],
    [{ against: ['v1'] }, /^--against does nothing by itself: add --skip-update\.$/],
    [
      { skipUpdate: true, land: ['merge'], cache: ['file:///c'] },
      / --land does nothing beside --skip-update, .*\n *--cache does nothing beside --skip-update, /,
    ],
    [{ uploads: ['3'] }, /^--uploads does nothing by itself: add --cache\.$/],
    [{ slots: ['0'] }, /^--slots "0" is not a whole number from 1 to 1000\.$/],
    [
      { host: ['-x,a b'], gate: ['fmt'], gateTimeout: ['soon'] },
      /3 errors:\n {2}--host "-x" .*\n {2}--host "a b" .*\n {2}--gate-timeout "soon"/,
    ],
  ] as const)
    assert.throws(() => readFlags(flags), { name: 'CommandError', message });
});
