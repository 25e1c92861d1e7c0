import type { AttemptInput, AttemptResult } from '../autofix/attempt.js';
import type { Base, Candidate, MovedInput, CandidateSource } from '../verify/candidate.js';
import type { TargetChange } from '../closure/closure.js';
import type { ChannelMove } from '../channels/move.js';
import type { ChannelsNews } from '../channels/standing.js';
import type { CommitsOfInput } from '../flake-lock/commits.js';
import type { Advice } from '../flake-lock/advice.js';
import type { EarlierHold } from '../report/earlier-holds.js';
import type { Overdue, Watched } from '../instance/record.js';
import type { Signing } from '../git/signing.js';
import type { Comparison, NixSettings, Repository } from '../run/options.js';
import type { VerdictsWanted } from '../report/known-verdicts.js';
import type { NotifyInput } from '../notify/types.js';
import type { FailuresInRow, NotificationResult, RemovedBranches, Report, ReportedRequest } from '../report/data.js';
import type { Evaluation, Verdict } from '../verify/verdict.js';
import type {
  ListTargetsInput,
  TargetList,
  EvaluateTargetInput,
  BaseComparison,
  PlanInput,
  CompareInput,
  CompareClosuresInput,
  UploadInput,
  UploadResult,
  GateInput,
  BuildTargetInput,
  PlanBuildsInput,
  BuildPlans,
  ReadLogInput,
  LogSlice,
} from './verification.js';
import type { UpdateLockInput, LockUpdate, CommitInput, ComposeInput, ApplyFixInput, CarryOverInput } from './lock.js';
import type {
  LandInput,
  RemoveBranchesInput,
  MoveChannelsInput,
  LookAtChannelsInput,
  ChannelsToldInput,
  SeenMain,
  LandResult,
  MakeWayInput,
  Way,
  RecordEndInput,
} from './landing.js';
import type {
  FindRequestsInput,
  FoundRequests,
  ProposeInput,
  FollowInput,
  RequestState,
  StatusesInput,
  CloseRequestsInput,
} from './requests.js';

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

  /** Commits of the root inputs that a candidate moves; without those of servers that do not answer soon. */
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

  /** Where the remote's main branch is now, and whether it lost the commit where it was. */
  lookAtMain(input: {
    repository: Repository;
    /** Where main was seen before; missing where it was not, and in older runs. */
    seen?: string;
  }): Promise<SeenMain>;

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

  /** Looks at the channels of an instance, keeps what it sees for pages and lists, and gives what people are to be told. */
  lookAtChannels(input: LookAtChannelsInput): Promise<ChannelsNews>;

  /** Notes that people were told of channels. Safe to repeat. */
  channelsTold(input: ChannelsToldInput): Promise<void>;

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

  readLog(input: ReadLogInput): Promise<LogSlice>;

  /** What an update changes in a closure that was built here; `null`: nothing. Both are kept for the next run. */
  compareClosures(input: CompareClosuresInput): Promise<TargetChange | null>;

  /**
   * Uploads what a target was built to, and looks whether the cache has all of it. A cache that fails is an answer. The upload
   * outlives its worker, as a build does.
   */
  uploadClosure(input: UploadInput): Promise<UploadResult>;

  /** Removes records and GC roots of a closed run on this machine. */
  forgetRun(input: { run: string }): Promise<void>;
}
