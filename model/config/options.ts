import { PROTECTED_PATHS } from '../autofix/path-pattern.js';
import { AGENT_NETWORKS } from '../autofix/sandbox.js';
import { parseGate } from '../gates/gate.js';
import { GATE_TIMEOUT_SECONDS } from '../gates/list.js';
import {
  checkAccountName,
  checkAgentArgument,
  checkAgentCommand,
  checkBranchName,
  checkBranchPrefix,
  checkDay,
  checkHomePath,
  checkHostName,
  checkIncludedFile,
  checkInputName,
  checkNixOption,
  checkNtfyTopic,
  checkPathPattern,
  checkPerson,
  checkRegExp,
  checkServerUrl,
  checkSource,
} from '../checks/names.js';
import {
  AUTOFIX,
  BUILDER_WAIT_SECONDS,
  FAILURES_ALARM,
  HELD_BACK_ALARM_SECONDS,
  REPOSITORY_WAIT_SECONDS,
  TAKEOVER_SECONDS,
} from '../run/defaults.js';
import { FAILURE_STEPS } from '../run/options.js';
import { checkAbsolutePath, checkCalendar, checkFolderInside, checkLine, checkTimeZone } from './checks.js';
import {
  flag,
  listOf,
  maybe,
  oneOf,
  oneOrMore,
  record,
  span,
  tableOf,
  text,
  whole,
  wordOr,
  type Kind,
} from './kinds.js';

/** One option of an instance: everything that validation, editors and the documentation know of it. */
export interface Option<T> {
  readonly kind: Kind<T>;
  /** What holds when it is not given. */
  readonly fallback: T;
  /** What it does, as a clause in Markdown. */
  readonly doc: string;
  /** A value as TOML writes it. */
  readonly example: string;
}

/** Options that belong together, in a table of their own. */
export interface Group<O> {
  readonly doc: string;
  readonly options: O;
}

const option = <T>(kind: Kind<T>, fallback: T, example: string, doc: string): Option<T> => ({
  kind,
  fallback,
  doc,
  example,
});

const path = text('an absolute path', checkAbsolutePath);
const line = text('one line of text', checkLine);
const host = text('the name of a host', checkHostName);
const input = text('the name of an input', checkInputName);
const gate = text('the name of a known gate, or "NAME=COMMAND"', (value, field) => {
  parseGate(value, field);
  return value;
});
const person = text('"Name <email>"', (value, field) => {
  checkPerson(value, field);
  return value;
});
const pinnedInput = record('{ input = "…", reason = "…", until = "YYYY-MM-DD" }', {
  input,
  reason: line,
  until: text('a date, "YYYY-MM-DD"', checkDay),
});
const nixOptions = tableOf(
  text('a value', (value) => value),
  'a table of Nix settings, such as { max-jobs = "4" }',
  checkNixOption,
);

const DAY = 86_400;

/** Every option of an instance, in the order in which the documentation shows them. `[defaults]` takes the same ones. */
export const INSTANCE_OPTIONS = {
  enable: option(flag, true, 'false', 'whether the instance has a schedule; `lockkeeper run` starts it all the same'),
  repoPath: option(
    maybe(path),
    null,
    '"/home/vincent/src/home"',
    'folder of the flake in a checkout, whose remote is fetched from and pushed to; the checkout itself is never touched',
  ),
  repoUrl: option(
    maybe(line),
    null,
    '"git+ssh://git@example.org/fleet.git"',
    'the repository by its address instead of `repoPath`: a Git URL, or `github:`, `gitlab:` or `sourcehut:OWNER/REPO`',
  ),
  flakeDir: option(
    text('a folder', checkFolderInside),
    '',
    '"nix"',
    'folder of `flake.nix` below `repoPath` or in the repository',
  ),
  gitRemote: option(maybe(line), null, '"upstream"', 'remote of the checkout (default: `origin`, or the only one)'),
  mainBranch: option(
    text('a branch', checkBranchName),
    'main',
    '"trunk"',
    'branch that runs start from, and that `autoMerge` moves',
  ),
  user: option(
    maybe(text('the name of an account', checkAccountName)),
    null,
    '"vincent"',
    'account that does the work, with its Git and SSH settings: by workers that were started with `--user-queue`',
  ),

  flakeInputs: option(
    listOf(input, 'inputs'),
    [],
    '["nixpkgs", "home-manager"]',
    'only these inputs; none: all of them',
  ),
  excludeInputs: option(listOf(input, 'inputs'), [], '["hardware"]', 'all inputs but these'),
  inputGroups: option(
    listOf(listOf(input, 'inputs'), 'lists of inputs'),
    [],
    '[["nixpkgs", "home-manager"], ["hardware"]]',
    'groups of inputs, of which each run moves one, in turn; inputs in no group stay',
  ),
  buildSystems: option(
    listOf(host, 'hosts'),
    [],
    '["okinawa", "kyushu"]',
    'hosts of `nixosConfigurations` to build; none: all of them',
  ),
  exclude: option(
    maybe(text('a regular expression', checkRegExp)),
    null,
    '".*-minimal"',
    'leaves out hosts whose whole name matches, when all are built',
  ),
  require: option(
    wordOr('all', listOf(host, 'hosts')),
    'all',
    '["okinawa"]',
    'hosts that have to build for anything to land',
  ),

  schedule: option(
    oneOrMore(text('a calendar expression', checkCalendar), 'calendar expressions'),
    ['weekly'],
    '"Sun *-*-1..7,15..21 02:00:00"',
    'when runs start: calendar expressions as in systemd.time(7), one or several',
  ),
  timeZone: option(
    maybe(text('a time zone', checkTimeZone)),
    null,
    '"Europe/Berlin"',
    'time zone of `schedule` where it names none, and of the date in the update branch (default: that of the machine that applies the configuration)',
  ),
  randomizedDelaySec: option(span(0), 3600, '"30min"', 'each run starts up to so much later, at random'),
  persistent: option(
    flag,
    true,
    'false',
    'whether a start that was missed while the server was down is made up for, once',
  ),
  overlap: option(
    oneOf(['wait', 'skip', 'supersede']),
    'wait',
    '"supersede"',
    'what happens when a run is due while the last one of the schedule is open, also one that waits for approval: it starts after that (`wait`; one at most), not at all (`skip`), or at once, and one that waits gives way to it (`supersede`)',
  ),

  autoMerge: option(flag, false, 'true', 'fast-forward `mainBranch` instead of pushing a branch'),
  dryRun: option(flag, false, 'true', 'everything but the push, also with `autoMerge`'),
  branchPrefix: option(
    text('the beginning of a branch', checkBranchPrefix),
    'flake-update-',
    '"bot/update-"',
    'the update branch is this and the date',
  ),
  removeOldBranches: option(
    flag,
    false,
    'true',
    'once an update has landed as a branch, remove older update branches of this instance that hold nothing more and that nobody else has touched',
  ),
  author: option(
    maybe(person),
    null,
    '"Bot <bot@example.org>"',
    'who commits are from (default: `Lockkeeper <lockkeeper@localhost>`)',
  ),
  committer: option(maybe(person), null, '"Bot <bot@example.org>"', 'who makes them (default: the author)'),
  approval: {
    doc: 'Asking a person before anything lands.',
    options: {
      enable: option(flag, false, 'true', 'whether a run asks'),
      deadlineSec: option(span(60), 7 * DAY, '"2d"', 'how long it waits for an answer'),
      reminderSec: option(span(60), DAY, '"12h"', 'pause between reminders'),
      withoutKey: option(
        flag,
        false,
        'true',
        'whether everybody may answer who reaches the Temporal server, as with its UI, also without the run key',
      ),
    },
  },

  ntfyServer: option(
    maybe(text('an address', checkServerUrl)),
    null,
    '"https://ntfy.example.org"',
    'ntfy server that gets a message at the end of a run',
  ),
  ntfyTopic: option(maybe(text('a topic', checkNtfyTopic)), null, '"nix"', 'topic on that server'),
  ntfyTokenFile: option(maybe(path), null, '"/run/secrets/ntfy"', 'file with the access token for it'),
  inboxOrg: option(
    maybe(path),
    null,
    '"/home/vincent/org/inbox.org"',
    'org-mode file that gets a `TODO` entry when a run fails',
  ),

  failuresAlarm: option(
    whole(1, 1000),
    FAILURES_ALARM,
    '5',
    'so many failures in a row make messages urgent; what a person stopped is none',
  ),
  failuresPause: option(flag, false, 'true', 'whether they also pause the schedule, until it is resumed'),
  successAlarmSec: option(
    maybe(span(60)),
    null,
    '"15d"',
    'longest time without a success before people are alarmed, also when no run starts: looked at once a day (default: none)',
  ),

  onFailure: option(
    maybe(listOf(oneOf(FAILURE_STEPS), 'steps')),
    null,
    '["hold-back", "leave-behind"]',
    'what is tried when a required host breaks, in this order: `autofix` asks the agent, `hold-back` keeps the inputs to blame and lands the rest, `leave-behind` lands all the same, `report` lands nothing (default: `autofix` if `autoFix.enable`, `hold-back` unless `autoMerge`, `report`)',
  ),
  neverHoldBack: option(listOf(input, 'inputs'), [], '["nixpkgs"]', 'inputs that are never held back'),
  pinnedInputs: option(
    listOf(pinnedInput, 'pinned inputs'),
    [],
    '[{ input = "nixpkgs", reason = "kernel regression", until = "2027-01-31" }]',
    'inputs that stay where they are up to a day',
  ),
  heldBackAlarmSec: option(
    span(1),
    HELD_BACK_ALARM_SECONDS,
    '"30d"',
    'longest time that an input is held back without an alarm',
  ),

  autoFix: {
    doc: 'A coding agent that tries to mend hosts that break.',
    options: {
      enable: option(flag, false, 'true', 'whether it is asked'),
      command: option(
        text('a command', checkAgentCommand),
        'pir',
        '"claude"',
        'the agent: a command on the PATH of the worker, or an absolute path',
      ),
      extraArgs: option(
        listOf(text('an argument', checkAgentArgument), 'arguments'),
        [],
        '["--no-session"]',
        'its arguments before `-p PROMPT`; `{prompt}` or `{promptFile}` in one of them stands for that',
      ),
      maxAttempts: option(whole(1, 20), AUTOFIX.maxAttempts, '2', 'tries for each host'),
      envFile: option(
        maybe(path),
        null,
        '"/run/secrets/agent.env"',
        'file of `NAME=VALUE` lines for the agent’s process alone',
      ),
      timeoutSec: option(span(1), AUTOFIX.timeoutSeconds, '"1h"', 'time limit of one try'),
      homePaths: option(
        listOf(text('a path', checkHomePath), 'paths'),
        [],
        '[".config/pir"]',
        'what the agent may read of the home of the worker’s user',
      ),
      network: option(
        oneOf(AGENT_NETWORKS),
        AUTOFIX.network,
        '"none"',
        'what the agent reaches over the network: all but this machine (`outside`), nothing (`none`), or all that this machine reaches, its own services included (`host`)',
      ),
      nixDaemon: option(
        flag,
        false,
        'true',
        'whether the agent may use the Nix daemon, where that does not trust the user of the worker; otherwise it has a store of its own',
      ),
      protectedPaths: option(
        listOf(text('a pattern', checkPathPattern), 'patterns'),
        PROTECTED_PATHS,
        '["secrets/**"]',
        'files that it may not change, besides `flake.lock`',
      ),
      maxFiles: option(whole(1, 10_000), AUTOFIX.maxFiles, '5', 'most files that a fix may change'),
      maxLines: option(whole(1, 1_000_000), AUTOFIX.maxLines, '100', 'most lines that a fix may change'),
    },
  },

  gates: option(
    listOf(gate, 'gates'),
    [],
    '["flake-check", "unused=deadnix --fail hosts"]',
    'checks of the whole flake beside the builds, all of which have to hold: `flake-check`, `fmt`, `statix`, `deadnix`, or `NAME=COMMAND`',
  ),
  gatesWarn: option(listOf(gate, 'gates'), [], '["statix"]', 'more of them, whose failure is only reported'),
  gateTimeoutSec: option(span(1), GATE_TIMEOUT_SECONDS, '"2h"', 'how long each gate may run, at most a week'),

  nixOptions: option(nixOptions, {}, '{ max-jobs = "4" }', 'settings of Nix for every evaluation and build'),
  impure: option(flag, false, 'true', 'let evaluation see the machine'),
  acceptFlakeConfig: option(flag, false, 'true', 'honour the flake’s own `nixConfig`'),
  sshKeyFile: option(maybe(path), null, '"/run/secrets/deploy-key"', 'private key for ssh'),
  knownHostsFile: option(maybe(path), null, '"/etc/ssh/ssh_known_hosts"', 'host keys for ssh'),
  httpsTokenFile: option(maybe(path), null, '"/run/secrets/forge-token"', 'file with a token for HTTPS'),
  accessTokensFile: option(
    maybe(text('an absolute path without spaces', checkIncludedFile)),
    null,
    '"/run/secrets/access-tokens"',
    'file with lines `access-tokens = HOST=TOKEN` of nix.conf(5), for private inputs and rate limits',
  ),
  allowSources: option(
    listOf(text('a host, a folder or an address', checkSource), 'sources'),
    [],
    '["git.example.org", "path:/srv/flakes"]',
    'where inputs may fetch from although it is a folder of the machine, a private network, or not HTTPS, and they did not before: a host (`git.example.org`, `*.example.org`), or the beginning of an address (`path:/srv/flakes`, `git+ssh://git.example.org/team`)',
  ),
  repositoryWaitSec: option(
    span(0),
    REPOSITORY_WAIT_SECONDS,
    '"6h"',
    'how long a run waits for another one of its repository',
  ),
  takeoverSec: option(
    span(1),
    TAKEOVER_SECONDS,
    '"5min"',
    'how long a lost builder may stay away before another one takes its build over',
  ),
  builderWaitSec: option(span(1), BUILDER_WAIT_SECONDS, '"1h"', 'how long a host waits for a worker of its system'),
} as const;

type Values<O> = {
  readonly [K in keyof O]: O[K] extends Option<infer T> ? T : O[K] extends Group<infer G> ? Values<G> : never;
};

/** The options of one instance, with defaults. */
export type InstanceOptions = Values<typeof INSTANCE_OPTIONS>;

export interface Instance extends InstanceOptions {
  readonly name: string;
}

/** Options and groups as they are, for those who walk through all of them. */
export type OptionTable = Readonly<Record<string, Option<unknown> | Group<Readonly<Record<string, Option<unknown>>>>>>;
