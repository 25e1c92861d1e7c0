import type { Cache } from '../caches/types.js';
import type { Person } from '../git/person.js';
import { SIGNING_FORMATS, type Signing } from '../git/signing.js';
import type { SandboxLimits } from '../sandbox/limits.js';
import type { AgentNetwork } from '../sandbox/sandbox.js';
import { PRESETS, type Gate } from '../gates/gate.js';
import type { ForgeAddress } from '../forge/address.js';
import { FORGE_KINDS } from '../forge/kinds.js';
import { MERGE_METHODS, MERGERS, type MergeMethod, type Merger } from '../forge/merging.js';
import type { InputGroup } from './input-groups.js';

/**
 * What one run is asked to do. This is the single argument of the `updateFlake` workflow: plain data, already checked
 * by the client (see `model/checks/names.ts`), holding file paths instead of secrets.
 */
export interface RunOptions {
  /** `OPTIONS_FORMAT` of the client that asked; missing in older runs. */
  readonly format?: number;
  /** Name of the update job; `update` for a run that a person started without configuration. */
  readonly instance: string;
  readonly repository: Repository;
  /** Account whose workers do the run; missing when any may. */
  readonly user?: string;
  /** Id of the workflow that holds the repository for one run: `repositoryLockId(repository)` of model/run/ids.ts. */
  readonly lockWorkflowId: string;
  readonly targets: TargetSelection;
  /** Targets whose failure stops the landing: all of them, or those that patterns mean, as in `targets`. */
  readonly require: 'all' | readonly string[];
  /** Root inputs to update: all of them, or the named ones. */
  readonly inputs: 'all' | readonly string[];
  /** Root inputs that are left out of all; missing when there are none, as in older runs. */
  readonly excludeInputs?: readonly string[];
  /** Groups of root inputs of which a run updates one, in turn; missing when there are none, as in older runs. */
  readonly inputGroups?: readonly InputGroup[];
  /** How old revisions of inputs have to be; missing where they may be new, as in older runs. */
  readonly cooldown?: Cooldown;
  readonly landing: Landing;
  /** Where pull requests are opened; missing for other ways of landing. */
  readonly forge?: ForgeOptions;
  /** `null`: land without asking. */
  readonly approval: ApprovalPolicy | null;
  readonly nix: NixSettings;
  readonly author: Person;
  readonly committer: Person;
  /** What signs the commits of lock and fixes; missing where nothing does, as in older runs. */
  readonly signing?: Signing;
  readonly notify: NotifyOptions;
  /** IANA time zone that names the date in the update branch, for example `Europe/Berlin`. */
  readonly timeZone: string;
  /** How long a run waits for another one that holds the same repository, in seconds. */
  readonly repositoryWaitSeconds: number;
  /**
   * Whether the run gives way to a newer one of its instance while it waits for the repository or for approval, and asks older
   * ones to do so; missing when it does not, as in older runs.
   */
  readonly supersedes?: boolean;
  /** How long a lost builder has to come back before another one takes its builds over, in seconds. */
  readonly takeoverSeconds: number;
  /** How long a target may wait for a worker of its system to appear, in seconds. */
  readonly builderWaitSeconds: number;
  /** How many updates of each target stay in the store of its builder; missing: `KEPT_CLOSURES`. */
  readonly keepClosures?: number;
  /** Whether base's closure is built where it is neither in a store nor in a cache; missing when it is not. */
  readonly buildBase?: boolean;
  /** Names of packages that reports show before others; missing where there are none, and in older runs. */
  readonly namedPackages?: readonly string[];
  /** Folder of advisories on the builders; missing: vulnerabilities are not checked. */
  readonly advisories?: string;
  /** How many derivations an update may build over all hosts without a question; missing: any number. */
  readonly maxBuilds?: number;
  /** What is done about required targets that are broken, tried in this order. Missing in older runs: `report` alone. */
  readonly onFailure?: readonly FailureStep[];
  /** How inputs are kept back; missing in older runs. */
  readonly holdBack?: HoldBackOptions;
  /** The agent that `autofix` asks; missing or `null` when there is none. */
  readonly autofix?: AutofixOptions | null;
  /** What follows from failures in a row; missing where they are not counted: without an instance, and in older runs. */
  readonly failureLimit?: FailureLimit;
  /** Folder of the site that is made anew when the run ends: absolute, on the machine that keeps the reports. Missing when there is none. */
  readonly siteDir?: string;
  /** Web address of that folder, without a slash at its end; missing where it has none, and in older runs. */
  readonly siteUrl?: string;
  /** Checks beside the builds; missing in older runs. */
  readonly gates?: readonly Gate[];
  /** Caches that get what is built, in the order in which they are filled; missing when there are none, and in older runs. */
  readonly caches?: readonly Cache[];
  /** How many targets each machine uploads at once; missing: `UPLOADS`. */
  readonly uploads?: number;
  /** Whether finished parts of targets whose build failed are uploaded as well; missing when not, and in older runs. */
  readonly uploadBroken?: true;
  /** Whether main is verified as it is, so that nothing is updated and nothing lands; missing when not, and in older runs. */
  readonly verifies?: true;
  /** What is compared with what, so that nothing is updated and nothing lands; missing for updates, and in older runs. */
  readonly compares?: Comparison;
  /** Template of the branches that move forward to verified commits of main, as in `channelOf`; missing when there are none, and in older runs. */
  readonly channel?: string;
  /** Whether targets are verified of which an earlier run knows how they stand at this commit; missing when not. */
  readonly again?: true;
}

/** Two commits of a repository: what the first one changes beside the second. */
export interface Comparison {
  /** A branch or a commit; missing: what the owner's checkout has checked out, or the main branch where there is none. */
  readonly revision?: string;
  /** A branch, a tag or a commit of the remote; missing: its main branch. */
  readonly against?: string;
}

export const RUN_MODES = ['update', 'verify'] as const;
export type RunMode = (typeof RUN_MODES)[number];

/**
 * - `autofix`: ask an agent to fix the configuration
 * - `hold-back`: keep the inputs to blame at their old revision, and land the rest
 * - `leave-behind`: land the update although the target is broken
 * - `report`: land nothing, and say so
 */
export const FAILURE_STEPS = ['autofix', 'hold-back', 'leave-behind', 'report'] as const;
export type FailureStep = (typeof FAILURE_STEPS)[number];

/** How old a revision has to be before an input moves to it, so that others find what is wrong with it first. */
export interface Cooldown {
  /** Of all inputs but those below. */
  readonly seconds: number;
  readonly inputs: readonly { readonly input: string; readonly seconds: number }[];
}

export interface HoldBackOptions {
  /** Root inputs that are kept back for nobody. */
  readonly never: readonly string[];
  /** Root inputs that stay where they are for a time, whatever they break or fix. */
  readonly pinned: readonly PinnedInput[];
  /** Most candidates that one search makes and verifies. */
  readonly probeBudget: number;
  /** Longest time that an input is held back without an alarm, in seconds; missing in older runs. */
  readonly alarmSeconds?: number;
}

export interface PinnedInput {
  readonly input: string;
  /** Why, for people. */
  readonly reason: string;
  /** Last day on which it stays, `YYYY-MM-DD` in the run's time zone. */
  readonly until: string;
}

/** A coding agent, as a command of the machines that serve its queue, and what it may do. */
export interface AutofixOptions {
  readonly command: string;
  /** Put before the arguments that give it the prompt; `{prompt}` and `{promptFile}` stand for it. */
  readonly args: readonly string[];
  /** Absolute path of a file with variables for the agent, in the form of systemd's `EnvironmentFile=`. */
  readonly envFile: string | null;
  /** Paths below the home of the worker's user that the agent may read in its own. */
  readonly homePaths: readonly string[];
  /** What it reaches over the network; missing in older runs: `outside`. */
  readonly network?: AgentNetwork;
  /** Whether it may use Nix's daemon, where that does not trust the worker's user; missing in older runs: no. */
  readonly nixDaemon?: boolean;
  /** What is missing is what is usual on the machine; missing in older runs. */
  readonly limits?: Partial<SandboxLimits>;
  /** For each broken target. */
  readonly maxAttempts: number;
  /** Of one attempt. */
  readonly timeoutSeconds: number;
  readonly rules: GuardRules;
}

export interface FailureLimit {
  /** So many failures in a row make messages urgent. */
  readonly failures: number;
  /** Whether the schedule of the instance is paused then. */
  readonly pauses: boolean;
}

/** What an agent's change must not be. */
export interface GuardRules {
  /** Lines of a .gitignore: see `protectedBy`. */
  readonly protected: readonly string[];
  readonly maxFiles: number;
  /** Lines that come and go, together. */
  readonly maxLines: number;
}

/** The repository of a run. Either a remote that is pushed to, or (without a remote) a local repository. */
export interface Repository {
  /** What Git fetches from and pushes to: a remote's URL, or the absolute path of a local repository. */
  readonly url: string;
  /** The URL as a person may see it: user info (`user:password@`) is taken out. */
  readonly displayUrl: string;
  /** Absolute path of the owner's checkout when FLAKE was a path: only its local transport configuration is read. */
  readonly checkout: string | null;
  /** True when the repository has no remote: base is local main, and the branch lands in it. */
  readonly local: boolean;
  /** Branch that runs start from and that `merge` moves. */
  readonly mainBranch: string;
  /** Folder of `flake.nix` in the repository, without slashes at the ends; `''` is the root. */
  readonly dir: string;
  readonly transport: Transport;
}

/** Credentials as file paths. They are read where they are used, by Git alone. */
export interface Transport {
  readonly sshKeyFile: string | null;
  readonly knownHostsFile: string | null;
  readonly httpsTokenFile: string | null;
}

export interface TargetSelection {
  /** Which targets of any kind are built, see `chooseTargets`; missing where hosts are, as in older runs. */
  readonly patterns?: readonly string[];
  /** Host names (attributes of `nixosConfigurations`), or all that the flake has. */
  readonly hosts: 'all' | readonly string[];
  /** Regular expression (whole name, as `^(?:…)$`) of hosts to leave out when `hosts` is `all`. */
  readonly exclude: string | null;
}

export interface Landing {
  readonly mode: LandingMode;
  /** The update branch is this prefix and the run's date, `YYYYMMDD`. */
  readonly branchPrefix: string;
  /** Whether older update branches that the new one makes needless are removed; missing when not, as in older runs. */
  readonly removeOldBranches?: boolean;
  /** The branch of pull requests; missing for other ways of landing. */
  readonly branch?: string;
  /** Whether each input has a pull request of its own, on a branch that begins with `branch`, or would have one but for a dry run; missing: one has all. */
  readonly perInput?: true;
  /** Whether each update has a new pull request, on a branch that is `branch` with date and time; missing: one is refreshed. */
  readonly perRun?: true;
  /** Labels of a new pull request; missing when there are none. */
  readonly labels?: readonly string[];
  /** Accounts that a new pull request is assigned to; missing when there are none. */
  readonly assignees?: readonly string[];
  /** Accounts that are to review it, and teams as `ORGANIZATION/TEAM`; missing when there are none. */
  readonly reviewers?: readonly string[];
  /** Title of its milestone; missing when it gets none. */
  readonly milestone?: string;
  /** Whether it is opened as a draft; missing when not. */
  readonly draft?: true;
  /** Whether a pull request is opened for an update that changes no closure; missing: one that is open is refreshed only. */
  readonly openWithoutChange?: boolean;
  /** Who merges a pull request; missing for other ways of landing, and in older runs, where nothing follows its opening. */
  readonly merge?: Merger;
  /** How it is merged; missing: by fast-forward where the repository allows it, else as the repository does it usually. */
  readonly mergeMethod?: MergeMethod;
  /** How long the run waits until it can be merged, in seconds; missing where a person merges. */
  readonly mergeWaitSeconds?: number;
}

/** The forge of a repository, and what its API knows us by. */
export interface ForgeOptions extends ForgeAddress {
  /** File with a token, or with the private key of the App. */
  readonly tokenFile: string;
  /** The GitHub App; missing where a token is used. */
  readonly appId?: string;
  /** Whether a run follows its request until it is answered or merged; missing where Lockkeeper cannot, and in older runs. */
  readonly follows?: true;
}

export const LANDING_MODES = ['none', 'branch', 'merge', 'pull-request'] as const;
export type LandingMode = (typeof LANDING_MODES)[number];

export interface ApprovalPolicy {
  readonly deadlineSeconds: number;
  readonly reminderSeconds: number;
  /** Whether decisions count that were made without the run key, as by Temporal's UI and CLI; missing when not, and in older runs. */
  readonly withoutKey?: boolean;
}

export interface NixSettings {
  /** `--option NAME VALUE` pairs, passed to every evaluation and build. */
  readonly options: readonly (readonly [name: string, value: string])[];
  readonly impure: boolean;
  /** Whether the flake's own `nixConfig` is honoured. */
  readonly acceptFlakeConfig: boolean;
  /** File with lines `access-tokens = HOST=TOKEN …` of nix.conf(5), for inputs that are private. */
  readonly accessTokensFile?: string;
  /** Sources that inputs may bring along, as `isSourcePattern` knows them; missing when there are none, as in older runs. */
  readonly allowSources?: readonly string[];
}

/** Ways to tell people, as the report and activities name them. */
export type NotifierKind = 'ntfy' | 'org';

export interface NotifyOptions {
  readonly ntfy: { readonly server: string; readonly topic: string; readonly tokenFile: string | null } | null;
  /** Absolute path of an org-mode file that gets a TODO entry on failure. */
  readonly inboxOrg: string | null;
}

/** The fields of a type, all the way down. A leaf is `true`, or the words that may stand there. */
type Fields<T> = T extends readonly unknown[]
  ? Fields<T[number]>
  : T extends object
    ? { readonly [K in keyof T]-?: Fields<Exclude<T[K], null | undefined>> }
    : true | readonly string[];

const person = { name: true, email: true } as const;

/** Every option that this version knows: what it does not know it refuses, see `checkKnown`. */
export const KNOWN_OPTIONS: Fields<RunOptions> = {
  format: true,
  instance: true,
  repository: {
    ...{ url: true, displayUrl: true, checkout: true, local: true, mainBranch: true, dir: true },
    transport: { sshKeyFile: true, knownHostsFile: true, httpsTokenFile: true },
  },
  user: true,
  lockWorkflowId: true,
  targets: { patterns: true, hosts: true, exclude: true },
  require: true,
  inputs: true,
  excludeInputs: true,
  inputGroups: true,
  cooldown: { seconds: true, inputs: { input: true, seconds: true } },
  landing: {
    ...{ mode: LANDING_MODES, branchPrefix: true, removeOldBranches: true, branch: true, perInput: true, perRun: true },
    ...{ labels: true, assignees: true, reviewers: true, milestone: true, draft: true, openWithoutChange: true },
    ...{ merge: MERGERS, mergeMethod: MERGE_METHODS, mergeWaitSeconds: true },
  },
  forge: { kind: FORGE_KINDS, url: true, repository: true, tokenFile: true, appId: true, follows: true },
  approval: { deadlineSeconds: true, reminderSeconds: true, withoutKey: true },
  nix: { options: true, impure: true, acceptFlakeConfig: true, accessTokensFile: true, allowSources: true },
  author: person,
  committer: person,
  signing: { format: SIGNING_FORMATS, keyFile: true },
  notify: { ntfy: { server: true, topic: true, tokenFile: true }, inboxOrg: true },
  siteDir: true,
  siteUrl: true,
  timeZone: true,
  repositoryWaitSeconds: true,
  supersedes: true,
  takeoverSeconds: true,
  builderWaitSeconds: true,
  keepClosures: true,
  buildBase: true,
  advisories: true,
  maxBuilds: true,
  namedPackages: true,
  onFailure: FAILURE_STEPS,
  holdBack: {
    ...{ never: true, probeBudget: true, alarmSeconds: true },
    pinned: { input: true, reason: true, until: true },
  },
  autofix: {
    ...{
      command: true,
      args: true,
      envFile: true,
      homePaths: true,
      network: true,
      nixDaemon: true,
      maxAttempts: true,
      timeoutSeconds: true,
    },
    limits: { memoryBytes: true, tasks: true, diskBytes: true, files: true },
    rules: { protected: true, maxFiles: true, maxLines: true },
  },
  failureLimit: { failures: true, pauses: true },
  gates: {
    ...{ name: true, timeoutSeconds: true, required: true },
    check: { kind: ['preset', 'command'], preset: PRESETS, words: true },
  },
  caches: {
    ...{ to: true, required: true, priority: true, secretKeyFile: true, netrcFile: true, credentialsFile: true },
    ...{ sshKeyFile: true, tokenFile: true, compression: true, trustedKeys: true, readUrl: true, upstreams: true },
  },
  uploads: true,
  uploadBroken: true,
  verifies: true,
  compares: { revision: true, against: true },
  channel: true,
  again: true,
};
