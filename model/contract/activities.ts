import type { AttemptInput, AttemptResult } from '../autofix/attempt.js';
import type { Distrust } from '../verify/distrust.js';
import type {
  Base,
  Candidate,
  MovedInput,
  RefusedInput,
  UnfetchedInput,
  CandidateSource,
} from '../verify/candidate.js';
import type { CacheOutcome } from '../caches/outcome.js';
import type { Cache } from '../caches/types.js';
import type { TargetChange } from '../closure/closure.js';
import type { ChannelMove } from '../channels/move.js';
import type { Channel } from '../channels/names.js';
import type { BuildPlan } from '../nix/build-plan.js';
import type { CommitsOfInput } from '../flake-lock/commits.js';
import type { WaitingInput } from '../flake-lock/cooldown.js';
import type { Advice } from '../flake-lock/advice.js';
import type { EarlierHold } from '../report/earlier-holds.js';
import type { MergeMethod, Merger } from '../forge/merging.js';
import type { InputGroup } from '../run/input-groups.js';
import type { Overdue, RunEnd, Watched } from '../instance/record.js';
import type { Person } from '../git/person.js';
import type { Signing } from '../git/signing.js';
import type {
  Comparison,
  Cooldown,
  FailureLimit,
  ForgeOptions,
  LandingMode,
  NixSettings,
  Repository,
} from '../run/options.js';
import type { VerdictsWanted } from '../report/known-verdicts.js';
import type { NotifyInput } from '../notify/types.js';
import type {
  FailuresInRow,
  InsteadOf,
  MergedRequest,
  NotificationResult,
  RemovedBranches,
  Report,
  ReportedRequest,
} from '../report/data.js';
import type { CommandTarget, FlakeTarget } from '../targets/index.js';
import type { Evaluation, Verdict } from '../verify/verdict.js';

/**
 * The activities, as workflows see them: one interface for each kind of task queue. `activities/` implements them.
 * Each may be repeated at any time; what makes that safe is said at each implementation.
 */
export interface CoordinatorActivities {
  /** Fetches the mirror and names the commit of main that a run is about. */
  resolveBase(input: {
    repository: Repository;
    run: string;
    /** Update branch that the run will push; missing where it pushes none, and in older runs. */
    branch?: string;
    /** Commands that the run would have run, which a worker may refuse; missing where there are none, and in older runs. */
    commands?: readonly string[];
    /** What will sign its commits, so that a key that cannot is known at once; missing where nothing does. */
    signing?: Signing;
  }): Promise<Base>;

  /**
   * Fetches the mirror, names the two commits that are compared, and tells what moved between their locks. What the remote does not
   * have comes out of the owner's checkout.
   */
  findComparison(input: {
    repository: Repository;
    compares: Comparison;
    /** As of `resolveBase`. */
    commands?: readonly string[];
  }): Promise<Base & { candidate: Candidate; moved: readonly MovedInput[]; advice: readonly Advice[] }>;

  /** The targets, sorted; unknown named hosts are a non-retryable `UnknownHost`. */
  listTargets(input: ListTargetsInput): Promise<TargetList>;

  /** Updates the lock in an isolated tree of `base`, and returns it as a draft commit whose message is replaced later. */
  updateLock(input: UpdateLockInput): Promise<LockUpdate>;

  /** Gives a draft its complete message. The same input gives the same commit, byte for byte. */
  commitCandidate(input: CommitInput): Promise<Candidate>;

  /** Moved inputs of a candidate, those together that can only move together. */
  groupInputs(input: {
    repository: Repository;
    candidate: Candidate;
    moved: readonly string[];
  }): Promise<readonly (readonly string[])[]>;

  /** Base with only some of a candidate's inputs moved, as a draft: a probe, or an update that keeps inputs back. */
  composeCandidate(input: ComposeInput): Promise<LockUpdate>;

  /**
   * Commits of the root inputs that a candidate moves, as far as they can be had soon. What an input's server does not answer is
   * left out.
   */
  readCommits(input: CandidateSource & { nix: NixSettings }): Promise<readonly CommitsOfInput[]>;

  /** What earlier runs of the repository held back and none has moved since. */
  earlierHolds(input: { repository: Repository }): Promise<readonly EarlierHold[]>;

  /** What earlier runs found out about targets of this very commit. */
  knownVerdicts(input: VerdictsWanted): Promise<readonly Verdict[]>;

  /** Puts the newest commit of `fix` on top of a candidate; `null` when it does not fit there, or changes nothing. */
  applyFix(input: ApplyFixInput): Promise<Candidate | null>;

  /** Takes the update over onto a main that moved meanwhile. */
  carryOver(input: CarryOverInput): Promise<LockUpdate>;

  /** Pushes the candidate, or finds that it is there already. */
  land(input: LandInput): Promise<LandResult>;

  /** Removes branches that are still where they were seen. Safe to repeat: what is gone already counts as removed. */
  removeBranches(input: RemoveBranchesInput): Promise<RemovedBranches>;

  /** Where the remote's main branch is now. */
  lookAtMain(input: { repository: Repository }): Promise<{ readonly commit: string }>;

  /** Moves channels forward to a commit of main. Safe to repeat: what has moved already is there. */
  moveChannels(input: MoveChannelsInput): Promise<readonly ChannelMove[]>;

  /** Looks which pull requests the forge has for update branches, and whether a person declined this update. */
  findRequests(input: FindRequestsInput): Promise<FoundRequests>;

  /** Opens the pull request of an update's branch, or refreshes the one that is open. */
  propose(input: ProposeInput): Promise<ReportedRequest>;

  /**
   * Looks what became of a request: who merged, closed or approved it. Where it is to be merged and what its branch requires is
   * there, it is merged, or the forge is told to.
   */
  followRequest(input: FollowInput): Promise<RequestState>;

  /** Says on the forge of each target of a commit what became of it. Gives how many statuses the commit has of ours. */
  setStatuses(input: StatusesInput): Promise<number>;

  /** Closes open pull requests that hold nothing but an update that main needs no more. Gives those that are closed. */
  closeRequests(input: CloseRequestsInput): Promise<readonly ReportedRequest[]>;

  /** Sends one event to one notifier. Never throws for a notifier's own failure. */
  notify(input: NotifyInput): Promise<NotificationResult>;

  /** Writes the report below the state directory, and removes what the run kept on this machine, whose id it gives. */
  closeRun(input: { report: Report; siteDir?: string }): Promise<{ readonly machine: string }>;

  /** Counts how a run of an instance ended; past the limit of failures it pauses the instance's schedule, if it is to. */
  recordEnd(input: RecordEndInput): Promise<FailuresInRow>;

  /** The instances that have not succeeded for longer than their limit. Their records are begun where there are none. */
  findOverdue(input: { watched: readonly Watched[]; at: string }): Promise<readonly Overdue[]>;

  /** Run that holds a repository (the memo of the lock's workflow); `null` when it is free. */
  whoHolds(input: {
    lockWorkflowId: string;
    /** The run that asks; missing in older runs. */
    run?: string;
  }): Promise<string | null>;

  /** Looks whether a newer run of the instance is there, and otherwise asks an older one that holds the repository to give way. */
  makeWay(input: MakeWayInput): Promise<Way>;

  /** Which of Lockkeeper's search attributes the namespace has: upserting an unknown one would wedge the run. */
  knownSearchAttributes(): Promise<readonly string[]>;

  /**
   * Number of workers that polled a task queue of activities lately (the server keeps a dead one for about 5 minutes).
   * Asked only by runs that began under 0.1.0: see `PresenceActivities`.
   */
  countPollers(input: { queue: string }): Promise<number>;
}

export interface EvaluatorActivities {
  /** Evaluates one target of the candidate, and roots its derivation. */
  evaluateTarget(input: EvaluateTargetInput): Promise<Evaluation>;

  /**
   * Whether the target's closure is the same as on base; base is evaluated for it, not built. It runs beside the build,
   * which need not wait for it. Workers of 0.1.0 give `same` alone.
   */
  compareWithBase(input: CompareInput): Promise<BaseComparison | BaseComparison['same']>;

  /** The first of some derivations that building the target would have to make; `null` when it needs none of them. */
  findInPlan(input: PlanInput): Promise<string | null>;
}

export interface BuilderActivities {
  /** Builds one evaluated target in a supervised process of its own, and follows it. One attempt. */
  buildTarget(input: BuildTargetInput): Promise<Verdict>;
}

/** Whether a system is served, and what else need not wait for builds, on a queue for each system that no build keeps busy. */
export interface PresenceActivities {
  /** Answers: a worker of the system is there. */
  answer(): Promise<void>;

  /** Ends only when its worker does. Its heartbeats tell the server meanwhile that the system is served. */
  stay(): Promise<void>;

  /** What building targets of one candidate has to do on a machine of their system. Nothing is built. */
  planBuilds(input: PlanBuildsInput): Promise<BuildPlans>;
}

export interface AgentActivities {
  /** Lets an agent work on a broken target, and gives what it changed if that may be tried. */
  attemptFix(input: AttemptInput): Promise<AttemptResult>;
}

export interface GateActivities {
  /** Runs a gate's command in a work tree of the candidate, supervised as a build is, and follows it. */
  runGate(input: GateInput): Promise<Verdict>;
}

/** What a machine does on its own queue: gates and attempts among it, which it began before. */
export interface MachineActivities extends GateActivities, AgentActivities {
  /** Follows a build that this machine started before; starts it again when nothing of it is left. */
  attachBuild(input: BuildTargetInput): Promise<Verdict>;

  /** Reads a slice of a build's log on this machine. */
  readLog(input: ReadLogInput): Promise<LogSlice>;

  /**
   * What an update changes in the closure of a target that this machine built; `null` when nothing does. Both closures stay in the
   * store for the next run.
   */
  compareClosures(input: CompareClosuresInput): Promise<TargetChange | null>;

  /**
   * Uploads what a target was built to, and looks whether the cache has all of it. A cache that fails is an answer. The upload
   * outlives its worker, as a build does.
   */
  uploadClosure(input: UploadInput): Promise<UploadResult>;

  /** Removes records and GC roots of a closed run on this machine. */
  forgetRun(input: { run: string }): Promise<void>;
}

export interface ListTargetsInput {
  readonly repository: Repository;
  readonly base: string;
  /** Has `base`, where the remote may not have it; missing where it does, and in older runs. */
  readonly candidate?: Candidate;
  readonly hosts: 'all' | readonly string[];
  readonly exclude: string | null;
  /** Which targets are meant, in place of hosts; missing where nobody chose, and in older runs. */
  readonly patterns?: readonly string[];
  /** Whether what is meant and not there is left out, in place of a failure; missing when not, and in older runs. */
  readonly lenient?: true;
  readonly nix: NixSettings;
}

export interface TargetList {
  readonly targets: readonly FlakeTarget[];
  /** `name = value` of each setting of the flake's nixConfig, when it is not accepted. */
  readonly ignoredNixConfig: readonly string[];
  /** Labels of the others of the same kinds; missing from older workers. */
  readonly notAsked?: readonly string[];
}

export interface UpdateLockInput {
  readonly repository: Repository;
  readonly base: string;
  readonly inputs: 'all' | readonly string[];
  /** Root inputs that are left out of all. */
  readonly excludeInputs?: readonly string[];
  /** Groups of root inputs, of which the next one in turn is updated that has something to move; instead of `inputs`. */
  readonly inputGroups?: readonly InputGroup[];
  /** Whose turns these are; missing in older runs. */
  readonly instance?: string;
  /** How old revisions have to be at `date`; missing where they may be new, and in older runs. */
  readonly cooldown?: Cooldown;
  /** Root inputs that the run's policy names, which the flake has to have; missing in older runs. */
  readonly named?: readonly string[];
  /** Whether an input may move to an older revision, because a person is asked before it lands; missing in older runs. */
  readonly mayGoBack?: boolean;
  readonly nix: NixSettings;
  readonly run: string;
  readonly author: Person;
  readonly committer: Person;
  /** Author and committer date of the draft: seconds since 1970, the run's start. */
  readonly date: number;
}

/** The fields that say which inputs are to move. */
type InputChoice = 'inputs' | 'excludeInputs' | 'inputGroups' | 'instance' | 'cooldown' | 'named' | 'mayGoBack';

export type LockUpdate =
  | {
      readonly kind: 'unchanged';
      readonly unfetched: readonly UnfetchedInput[];
      /** Missing when there are none, and in older runs. */
      readonly refused?: readonly RefusedInput[];
      /** Whether upstream answered for not one input; missing when it did, and in older runs. */
      readonly noneAsked?: true;
      /** Inputs whose newest revision is too new; missing when there are none, and in older runs. */
      readonly waiting?: readonly WaitingInput[];
      /** What the lock tells about its inputs; missing from older workers, and when it tells nothing. */
      readonly advice?: readonly Advice[];
    }
  | {
      readonly kind: 'updated';
      readonly draft: Candidate;
      readonly moved: readonly MovedInput[];
      readonly unfetched: readonly UnfetchedInput[];
      /** As above. */
      readonly refused?: readonly RefusedInput[];
      /** As above. */
      readonly waiting?: readonly WaitingInput[];
      /** Whose turn it was, if inputs take turns. */
      readonly group?: InputGroup;
      /** As above. */
      readonly advice?: readonly Advice[];
    };

export interface CommitInput {
  readonly repository: Repository;
  readonly draft: Candidate;
  readonly message: string;
  readonly author: Person;
  readonly committer: Person;
  readonly date: number;
  /** What signs the commit; missing where nothing does. */
  readonly signing?: Signing;
  /** How the commit is going to be evaluated, so that its source may be fetched meanwhile; missing in older runs. */
  readonly nix?: NixSettings;
  /** Update branch that it is for: the same update on it is that commit. Missing where it goes to none, and in older runs. */
  readonly branch?: string;
}

export interface ComposeInput extends Omit<UpdateLockInput, 'base' | 'nix' | InputChoice> {
  readonly candidate: Candidate;
  /** Root inputs that are as the candidate has them; the others are as base has them. */
  readonly move: readonly string[];
}

export interface ApplyFixInput extends Omit<CommitInput, 'draft' | 'message' | 'nix' | 'branch'> {
  readonly candidate: Candidate;
  readonly fix: Candidate;
}

export interface CarryOverInput extends Omit<UpdateLockInput, 'base' | InputChoice> {
  readonly candidate: Candidate;
  /** Root inputs that the candidate moved. */
  readonly moved: readonly string[];
  /** The commit that main is at now. */
  readonly onto: string;
}

export interface LandInput {
  readonly repository: Repository;
  readonly candidate: Candidate;
  readonly mode: Exclude<LandingMode, 'none'>;
  readonly instance: string;
  /** Workflow id; missing in older runs. */
  readonly run?: string;
  /** Wanted branch, for example `flake-update-20261121`. */
  readonly branch: string;
  /** Branch to use when `branch` is not to be replaced. */
  readonly fallbackBranch: string;
  /** How update branches begin, if older ones are to be looked for; missing when not, and in older runs. */
  readonly branchPrefix?: string;
  /** Pull requests of update branches, the newest of each; missing where the update lands otherwise, and in older runs. */
  readonly requests?: readonly SeenRequest[];
}

/** A pull request as far as it says what may become of its branch. */
export interface SeenRequest {
  readonly branch: string;
  readonly number: number;
  /** `declined`: a person closed it without merging it. `theirs`: it is open, and Lockkeeper did not open it. */
  readonly state: 'open' | 'theirs' | 'declined' | 'done';
}

export interface FindRequestsInput {
  readonly repository: Repository;
  readonly forge: ForgeOptions;
  /** The branch of pull requests. */
  readonly branch: string;
  /** What is going to be proposed; missing when nothing is yet. */
  readonly candidate?: Candidate;
  /** Who will merge it, and how, so that what cannot be is known at once; missing where a person does, and in older runs. */
  readonly merge?: Merger;
  readonly mergeMethod?: MergeMethod;
  /** Whether a question follows that reviews and comments answer. */
  readonly asks?: true;
}

/** The newest review and the newest comment of some time, by ids that grow; `null`: there was none. */
export interface NewestWords {
  readonly approval: number | null;
  readonly comment: number | null;
}

export interface FoundRequests {
  readonly requests: readonly SeenRequest[];
  /** Hash of the candidate's lock; `null` without a candidate. */
  readonly lock: string | null;
  /** The request with this lock that a person closed; `null` when nobody did. */
  readonly declined: ReportedRequest | null;
  /** What was said on open requests before the question; missing where none follows, and from older workers. */
  readonly said?: NewestWords;
}

export interface ProposeInput {
  readonly repository: Repository;
  readonly forge: ForgeOptions;
  /** The branch that has the update. */
  readonly branch: string;
  /** The commit of the update. */
  readonly commit: string;
  /** `FoundRequests.lock`. */
  readonly lock: string | null;
  readonly labels: readonly string[];
  /** As `Landing` has them; missing when there are none, and in older runs. */
  readonly assignees?: readonly string[];
  readonly reviewers?: readonly string[];
  readonly milestone?: string;
  readonly asDraft?: true;
  /** Who merges the request; missing in older runs. */
  readonly merge?: Merger;
  /** Whether the run waits for an approval on it. */
  readonly asks?: true;
  /** Whether it had one, for another update; missing when not, and in older runs. */
  readonly asksAgain?: true;
  /** `LandResult.leftAlone`. */
  readonly leftAlone: readonly InsteadOf[];
  /** The newest request that a person closed, whose place this one takes; missing when there is none. */
  readonly replaces?: number;
  /** As the run ends if the request can be opened. */
  readonly report: Report;
  /** Web address of the site that will have the report; missing when there is none. */
  readonly siteUrl?: string;
}

export interface FollowInput {
  readonly repository: Repository;
  readonly forge: ForgeOptions;
  readonly number: number;
  /** Branch of the request. */
  readonly branch: string;
  /** The commit that was verified, which the branch is at. */
  readonly commit: string;
  /** Has that commit, or one with the same files. */
  readonly candidate: Candidate;
  /** Who merges it now; `never`: it is only looked at. */
  readonly merge: Merger;
  /** Missing: by fast-forward where the repository allows it, else as it does it usually. */
  readonly mergeMethod?: MergeMethod;
  /** Whether reviews and comments answer a question of the run. */
  readonly answers?: true;
  /** Only what was said later is an answer; missing in older runs, where everything is. */
  readonly laterThan?: NewestWords;
}

export type RequestState =
  | {
      readonly kind: 'open';
      /** What it waits for before it can be merged, as a clause; `null` when it is only looked at, and nothing is odd. */
      readonly waitsFor: string | null;
    }
  | { readonly kind: 'approved'; readonly by: string; readonly comment: string | null }
  | ({ readonly kind: 'merged' } & MergedRequest)
  | { readonly kind: 'closed'; readonly by: string | null }
  | {
      readonly kind: 'moved';
      /** Commit that its branch is at; `null`: at none. */
      readonly head: string | null;
      /** Branch that it is to be merged into by now, or was; missing where that is main. */
      readonly into?: string;
    }
  /** The main branch is not where the update began. */
  | Extract<LandResult, { readonly kind: 'main-moved' }>;

export interface StatusesInput {
  readonly forge: ForgeOptions;
  readonly commit: string;
  readonly report: Report;
  /** Targets that are being verified; missing when all verdicts are in. */
  readonly pending?: readonly string[];
  /** As `ProposeInput` has it. */
  readonly siteUrl?: string;
}

export interface CloseRequestsInput {
  /** Workflow id. */
  readonly run: string;
  readonly repository: Repository;
  readonly forge: ForgeOptions;
  /** The branch of pull requests. */
  readonly branch: string;
}

/** A branch, and where it was seen. */
export interface SeenBranch {
  readonly branch: string;
  readonly commit: string;
}

export interface RemoveBranchesInput {
  readonly repository: Repository;
  readonly branches: readonly SeenBranch[];
}

export interface MoveChannelsInput {
  readonly repository: Repository;
  /** The verified commit. */
  readonly commit: string;
  readonly channels: readonly (Channel & {
    /** Why it is only looked at, as a sentence without its subject; missing when it is to move. */
    readonly stays?: string;
  })[];
}

export type LandResult =
  | {
      readonly kind: 'landed';
      readonly ref: string;
      readonly commit: string;
      /** Whether an earlier run landed this update there, so that nothing was pushed. */
      readonly already?: boolean;
      /** The wanted branch, and why the update is not on it. */
      readonly insteadOf?: InsteadOf;
      /** Branches of open pull requests that hold what others made, and why each stays. */
      readonly leftAlone?: readonly InsteadOf[];
      /** Older update branches that this update makes needless, if they were looked for. */
      readonly older?: readonly SeenBranch[];
    }
  | {
      /** In mode `merge`, main is not where the run began; by branch, it does not hold that commit any more. */
      readonly kind: 'main-moved';
      readonly main: string;
      /** Whether the commit that the run began with was taken back from main. */
      readonly rewound?: boolean;
    };

export interface MakeWayInput {
  readonly run: string;
  readonly instance: string;
  readonly lockWorkflowId: string;
}

export type Way =
  /** A newer run of the instance is there, which this one gives way to. */
  | { readonly kind: 'superseded'; readonly by: string }
  | {
      readonly kind: 'ours';
      /** Run that holds the repository; `null` when it is free. */
      readonly holder: string | null;
      /** Whether that one is of the same instance: it ends, or gives way as soon as it asks for approval. */
      readonly sameInstance: boolean;
      /** Whether it gives way now. */
      readonly givesWay: boolean;
    };

export interface RecordEndInput extends RunEnd {
  readonly instance: string;
  readonly limit: FailureLimit;
}

export interface EvaluateTargetInput extends CandidateSource, Distrust {
  readonly target: FlakeTarget;
  readonly nix: NixSettings;
  readonly run: string;
}

export interface BaseComparison {
  /** Whether the closure is the same, the flake's own revision left out; `null` when that cannot be told. */
  readonly same: boolean | null;
  /** Store path of the target on base; `null` when it does not evaluate there. */
  readonly outPath: string | null;
  /** Its derivation, which this machine has; missing from older workers. */
  readonly drvPath?: string | null;
}

export interface PlanInput extends CompareInput {
  readonly derivations: readonly string[];
}

export interface CompareInput extends EvaluateTargetInput {
  /** The candidate's derivation, as `evaluateTarget` found it. */
  readonly drvPath: string;
}

export interface CompareClosuresInput {
  readonly repository: Repository;
  readonly target: FlakeTarget;
  /** Store path of the target on base; `null` when it has none there. */
  readonly before: string | null;
  readonly after: string;
  /** Whether both are the same but for the flake's own revision: they are only kept then. */
  readonly same: boolean;
  /** How many closures of the target stay in the store beside base's; 0: none, base's neither. */
  readonly keep: number;
  /** Whether a commit is compared that need not be main's; missing when not, and in older runs. */
  readonly comparison?: true;
  /** Room for the answer, in bytes of JSON. */
  readonly bytes: number;
  /** Names of packages that the owner wants to see first; missing in older runs, as what follows. */
  readonly first?: readonly string[];
  /** Settings by which caches are found. */
  readonly nix?: NixSettings;
  /** Why base did not build, or `null` when it did; missing where it was not built for the comparison. */
  readonly baseError?: string | null;
  /** Derivations of base and candidate; `null` when base has none. */
  readonly drvPaths?: readonly [before: string | null, after: string];
  /** The run and the candidate's commit, whose record keeps the whole change. */
  readonly run?: string;
  readonly head?: string;
  /** Folder of advisories; missing: vulnerabilities are not checked. */
  readonly advisories?: string;
}

export interface UploadInput {
  readonly run: string;
  /** The candidate's commit. */
  readonly head: string;
  readonly target: FlakeTarget;
  readonly outPath: string;
  /** Derivation of a target whose build failed: what is finished of it is uploaded instead. Missing in older runs. */
  readonly brokenDrv?: string;
  readonly cache: Cache;
  readonly nix: NixSettings;
  /** Lease of an upload that nobody follows, in seconds. */
  readonly takeoverSeconds: number;
  /** How many targets this machine uploads at once. */
  readonly uploads: number;
}

export interface UploadResult extends CacheOutcome {
  /** Whether another try may do better; missing when not. */
  readonly again?: true;
}

export interface GateInput extends CandidateSource, Distrust {
  readonly gate: CommandTarget;
  readonly nix: NixSettings;
  readonly run: string;
  /** Lease of a command that nobody follows, in seconds. */
  readonly takeoverSeconds: number;
}

export interface BuildTargetInput extends CandidateSource, Distrust {
  readonly target: FlakeTarget;
  readonly nix: NixSettings;
  readonly run: string;
  readonly evaluation: Extract<Evaluation, { kind: 'evaluated' }>;
  /** Lease of a build that nobody follows, in seconds. */
  readonly takeoverSeconds: number;
}

export interface PlanBuildsInput extends CandidateSource, Distrust {
  readonly nix: NixSettings;
  readonly run: string;
  readonly planned: readonly Pick<BuildTargetInput, 'target' | 'evaluation'>[];
}

export interface BuildPlans {
  /** The machine that was asked, which keeps the derivations for the run. */
  readonly machine: string;
  /** One for each target; `null` where that cannot be told. */
  readonly plans: readonly (BuildPlan | null)[];
  /** All derivations that they would build, `packed`. */
  readonly derivations: string;
}

export interface ReadLogInput {
  readonly logPath: string;
  readonly offset: number;
  readonly limit: number;
}

export interface LogSlice {
  readonly text: string;
  readonly nextOffset: number;
  readonly size: number;
}

/** Heartbeat details of `buildTarget`, `attachBuild` and `runGate`, and what the client draws. */
export interface BuildHeartbeat {
  readonly machine: string;
  /** Host name, for people. */
  readonly hostName: string;
  readonly phase: 'queued' | 'evaluating' | 'building';
  /** ISO 8601 start of the build, not of the attempt. */
  readonly startedAt: string;
  /** Derivations that are done, and that were planned (0 when not known yet). */
  readonly done: number;
  readonly planned: number;
  /** What Nix said that it has to do; `null` when it has not, missing from older workers. */
  readonly plan?: BuildPlan | null;
  readonly logPath: string;
  readonly logBytes: number;
  /** Last lines of the log: at most 3, each at most 200 characters. */
  readonly lastLines: readonly string[];
  /** What Nix cannot reach or get while it goes on trying, in a few words; `null` when it has not complained. */
  readonly trouble: string | null;
  /** Seconds that this target took in the last run that built it; `null` when not known. */
  readonly estimateSeconds: number | null;
}

/** Heartbeat details of `uploadClosure`. */
export interface UploadHeartbeat {
  readonly machine: string;
  /** Host name, for people. */
  readonly hostName: string;
  /** `queued`: other uploads go before; `looking`: what the cache has is being looked up. */
  readonly phase: 'queued' | 'looking' | 'uploading';
  /** `cacheName` of the cache. */
  readonly cache: string;
  /** ISO 8601 start of the upload, not of the attempt. */
  readonly startedAt: string;
  /** Paths that are uploaded, and that are to be; 0 when that is not known. */
  readonly done: number;
  readonly planned: number;
  /** Their bytes unpacked. */
  readonly bytes: number;
  readonly plannedBytes: number;
  readonly logPath: string;
}

/** Heartbeat details of coordinators' activities, `null` while nothing keeps them waiting. */
export interface WaitHeartbeat {
  /** Remotes, and for which inputs: `github.com (nixpkgs)`. */
  readonly waitsFor: string;
  /** ISO 8601 */
  readonly since: string;
}

/** Heartbeat details of `evaluateTarget`. */
export interface EvaluateHeartbeat {
  readonly machine: string;
  readonly phase: 'queued' | 'evaluating';
  readonly startedAt: string;
}
