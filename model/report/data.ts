import type { ChannelMove } from '../channels/move.js';
import type { Advice } from '../flake-lock/advice.js';
import type { WaitingInput } from '../flake-lock/cooldown.js';
import type { CommitsOfInput, InputCommits } from '../flake-lock/commits.js';
import type { NotifierKind, LandingMode } from '../run/options.js';
import type { InputRevision, MovedInput, NestedMove, UnfetchedInput } from '../verify/candidate.js';
import type { InputGroup } from '../run/input-groups.js';
import type { ComparedWords } from '../run/comparison.js';
import { isOutputKind } from '../targets/index.js';
import type { Verdict } from '../verify/verdict.js';

/**
 * How a run ended.
 * - `landed`: something was pushed (or written to a local repository)
 * - `verified`: a dry run, everything but the push; or main was verified as it is; or a commit was compared with another one
 * - `unchanged`: the lock did not move, or all that moved was held back; or a commit was compared with itself
 * - `broken`: a required target is broken, nothing was pushed
 * - `rejected`, `expired`: a person said no, or nobody answered
 * - `superseded`: it gave way to a newer run of its instance while it waited
 * - `cancelled`, `failed`: stopped by a person, or by an error
 */
export const OUTCOMES = [
  'landed',
  'verified',
  'unchanged',
  'broken',
  'rejected',
  'expired',
  'superseded',
  'cancelled',
  'failed',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Outcomes that somebody has to look at. */
export const isFailure = (outcome: Outcome): boolean =>
  outcome === 'broken' || outcome === 'failed' || outcome === 'expired';

/** Whether somebody has to look at a run that has ended. New sources are told of once. */
export const needsLook = ({ outcome, heldBack, channels, startedAt }: Report): boolean =>
  isFailure(outcome) ||
  channels.some(({ lost }) => lost !== undefined) ||
  heldBack.some(
    ({ overdue, newSources, since }) => overdue === true || (newSources !== undefined && since === startedAt),
  );

export interface Report {
  /** Workflow id. */
  readonly run: string;
  readonly instance: string;
  /** Display form of the repository. */
  readonly repository: string;
  /** Folder of `flake.nix` in it; missing where evaluation saw the machine, so that verdicts hold for no other run, and in older runs. */
  readonly flakeDir?: string;
  /** The branch that was verified as it is; missing where an update was. */
  readonly verifiedBranch?: string;
  /** What was compared with what, where nothing was updated; missing otherwise, and in older runs. */
  readonly compared?: ComparedWords;
  readonly outcome: Outcome;
  /** The error that ended a failed run, for people. */
  readonly error: string | null;
  readonly base: string | null;
  readonly head: string | null;
  readonly inputs: readonly ReportedInput[];
  /** The group of inputs whose turn it was; missing when inputs do not take turns, or none of them moved. */
  readonly inputGroup?: InputGroup;
  readonly unfetched: readonly UnfetchedInput[];
  /** Inputs whose newest revision is too new for the owner's cooldown. */
  readonly waiting: readonly WaitingInput[];
  /** What the lock tells about its inputs. */
  readonly advice: readonly Advice[];
  /** What agents did about broken targets. */
  readonly fixes: readonly ReportedFix[];
  /** Inputs that were kept at their old revision so that the rest could land. */
  readonly heldBack: readonly HeldBackInput[];
  /** Inputs that earlier runs held back, and this one moved. */
  readonly letGo: readonly LetGoInput[];
  /** Names of required targets that are broken on base already, which stops nothing. */
  readonly brokenOnBase: readonly string[];
  /** Broken targets that keeping inputs back does not help. */
  readonly notHeldBack: readonly NotHeldBack[];
  /** Why nothing landed although no broken target stopped it: not one host was built. Missing otherwise. */
  readonly nothingVerified?: string;
  /** How much would be built, where the owner has set a limit; missing otherwise. */
  readonly plannedBuilds?: PlannedBuilds;
  /** Settings of the flake's `nixConfig` that were not honoured. */
  readonly ignoredNixConfig: readonly string[];
  /** How Nix was set, as `settingsText` has it; missing in older runs. */
  readonly nixSettings?: string;
  readonly leftOut: readonly string[];
  readonly targets: readonly ReportedTarget[];
  /** Names of the flake's hosts that the run was not asked for. */
  readonly notAsked: readonly string[];
  /** Names of the targets that what was compared with has, and this commit does not. */
  readonly gone: readonly string[];
  /** Names of the targets whose failure stops the landing. */
  readonly required: readonly string[];
  readonly landed: Landed | null;
  /** The pull request with the same lock that a person closed, which is why nothing was proposed; missing otherwise. */
  readonly declined?: ReportedRequest;
  /** Pull requests that were closed because main does not need their update any more. */
  readonly closedRequests: readonly ReportedRequest[];
  readonly channels: readonly ChannelMove[];
  /** The updates of a run that proposes each input by itself; missing where it does not, and in older runs. */
  readonly parts?: readonly ReportedPart[];
  /** The run that this is a part of; missing where it is a whole one, and in older runs. */
  readonly partOf?: string;
  readonly approval: ApprovalDecision | null;
  /** Run that this one gave way to; missing when it did not. */
  readonly supersededBy?: string;
  /** Missing where nobody counts, and in reports of older runs. */
  readonly failuresInRow?: FailuresInRow;
  readonly notifications: readonly NotificationResult[];
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly seconds: number;
}

/** An update that was verified and proposed by itself: the report of its own is by the name of `run`. */
export interface ReportedPart extends Pick<Report, 'run' | 'outcome' | 'error' | 'landed' | 'declined'> {
  readonly inputs: readonly string[];
  /** How it ended, as the beginning of a headline. */
  readonly headline: string;
  /** Counts in one sentence. */
  readonly counts: string;
  /** As a run of it alone would have: usually, and where everything counts that is not as it should be. */
  readonly exitStatus: number;
  readonly strictExitStatus: number;
}

/** Derivations that an update builds, and the owner's limit. */
export interface PlannedBuilds {
  /** Those of all hosts together, each counted once. */
  readonly builds: number;
  readonly limit: number;
  /** Who approved that it is more; missing where nobody has. */
  readonly approvedBy?: string | null;
}

/** Whether more would be built than the owner wants, and nobody approved it. */
export const isOverLimit = ({ plannedBuilds }: Pick<Report, 'plannedBuilds'>): boolean =>
  plannedBuilds !== undefined && plannedBuilds.builds > plannedBuilds.limit && plannedBuilds.approvedBy === undefined;

export interface ReportedFix {
  readonly target: string;
  /** Empty for a target that another target's fix repaired as well. */
  readonly attempts: readonly ReportedAttempt[];
  /** The commit that fixes it; `null` when no attempt did. */
  readonly commit: string | null;
}

/**
 * - `mended`: its target builds with it
 * - `still-broken`: its target does not
 * - `taken-out`: it broke another target, or did not fit any more
 * - the others: see `AttemptResult`
 */
export const ATTEMPT_OUTCOMES = [
  'mended',
  'still-broken',
  'taken-out',
  'refused',
  'unchanged',
  'timed-out',
  'unusable',
] as const;
export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number];

export interface ReportedAttempt {
  /** From 1 on. */
  readonly number: number;
  readonly outcome: AttemptOutcome;
  /** Why it did not do, as a sentence without its subject; `null` when it did. */
  readonly reason: string | null;
  /** Of the agent, without the build that followed. */
  readonly seconds: number;
  readonly machine: string;
  readonly logPath: string;
  /** Whether the agent ran apart from the rest of the machine. */
  readonly sandboxed: boolean;
  /** Paths that it changed. */
  readonly files: readonly string[];
}

/** An input at base's revision although there is a newer one. */
export interface HeldBackInput {
  readonly input: string;
  /** Names of the targets that break with it. */
  readonly targets: readonly string[];
  /** What broke the first of them, in one line; or why it stays although it breaks nothing. */
  readonly reason: string;
  /** Whole log of what broke the first of them; missing when it breaks nothing. */
  readonly logPath?: string | null;
  /** How its targets break with it: at most `FAILURES_LISTED` of them, and fewer where very many inputs are held back. Missing when it breaks nothing, and in older runs. */
  readonly failures?: readonly HeldBackFailure[];
  /** Revision that it stays at; missing when that is not known. */
  readonly revision?: string | null;
  /** Revision that it does not move to; missing when that is not known, and in older runs. */
  readonly newRevision?: string | null;
  /** Web page that compares the two; missing as `newRevision` is. */
  readonly compareUrl?: string | null;
  /** Where its new revision would fetch from that nobody has accepted; missing when that is not why it stays, and in older runs. */
  readonly newSources?: readonly string[];
  /** Start of the first run that held it back at this revision: ISO 8601. */
  readonly since?: string;
  /** Whether that is longer ago than the owner wants. */
  readonly overdue?: boolean;
}

/** Failures that are kept of one input: mostly one package breaks them all. */
export const FAILURES_LISTED = 20;

export interface HeldBackFailure {
  readonly target: string;
  /** In one line. */
  readonly error: string;
  /** The derivation whose builder failed; `null` for evaluation errors. */
  readonly failedDrv: string | null;
  /** Machine and absolute path of the whole log. */
  readonly machine: string | null;
  readonly logPath: string | null;
  /** End of the log, of the first target alone. */
  readonly logTail: string | null;
}

export interface LetGoInput {
  readonly input: string;
  /** Start of the first run that held it back: ISO 8601. */
  readonly since: string;
}

/** A broken target for which no inputs can be kept back. */
export interface NotHeldBack {
  readonly target: string;
  /** Why, as a sentence without its subject. */
  readonly reason: string;
}

export interface ReportedInput extends Omit<MovedInput, 'from' | 'to' | 'nestedMoves'>, ReportedMove {
  /** Commits between its revisions; missing when they are not known. */
  readonly commits?: InputCommits;
  /** What is known of the first nested inputs. */
  readonly nestedMoves: readonly ReportedNested[];
}

export interface ReportedNested extends ReportedMove {
  /** As in `nested`. */
  readonly path: string;
  readonly compareUrl: string | null;
  /** As of a `NestedMove`. */
  readonly source?: NestedMove['source'];
}

interface ReportedMove {
  /** Full old and new revision; `null` when the input was added or removed. */
  readonly from: string | null;
  readonly to: string | null;
  readonly fromDate: string | null;
  readonly toDate: string | null;
}

/** Its `seconds` and `plan` are those of its longest verification: a later one finds in the store what that built. */
export interface ReportedTarget extends Omit<Verdict, 'target'> {
  readonly name: string;
  readonly kind: string;
  readonly required: boolean;
}

export interface Landed {
  readonly mode: LandingMode;
  /** Branch that was moved; for `none` the branch that would have been. */
  readonly ref: string;
  readonly commit: string;
  /** Whether an earlier run landed this update there, so that nothing was pushed; missing when not. */
  readonly already?: boolean;
  /** The wanted branch, where the update went to another one. */
  readonly insteadOf?: InsteadOf;
  /** Older update branches that were removed, if that was asked for. */
  readonly old?: RemovedBranches;
  /** The pull request that proposes it, once it is open. */
  readonly request?: ReportedRequest;
  /** What the forge made of it, once the request is merged. */
  readonly merged?: MergedRequest;
  /** Whether no request was opened because no closure changes; missing when not. */
  readonly unchanged?: true;
  /** Why the request was not merged although it was to be, as a clause; missing when it was, or was left to a person. */
  readonly notMerged?: string;
  /** Why the forge does not show what became of each target; missing where it does, or is not asked. */
  readonly statusesMissing?: string;
}

export interface ReportedRequest {
  readonly number: number;
  /** Its web page. */
  readonly url: string;
  /** Where the repository is now, if the forge says that it has moved. */
  readonly moved?: string;
  /** What it was opened without although it was asked for, and why: clauses. Missing when there is nothing, and in older runs. */
  readonly without?: readonly string[];
}

export interface MergedRequest {
  /** Account that merged it; `null` when the forge does not say. */
  readonly by: string | null;
  /** Commit that it became on the main branch. */
  readonly commit: string;
  /** Whether that has exactly the files that were verified; `null` when that cannot be told. */
  readonly asVerified: boolean | null;
}

export interface RemovedBranches {
  readonly removed: readonly string[];
  /** Those that could not be removed. */
  readonly kept: readonly InsteadOf[];
}

export interface InsteadOf {
  readonly branch: string;
  /** Why the branch stays as it is, as a sentence without its subject. */
  readonly reason: string;
}

export interface ApprovalDecision {
  readonly decision: 'approved' | 'rejected' | 'expired';
  readonly by: string | null;
  readonly commit: string;
  readonly comment: string | null;
}

/** Failures of an instance since its last success, this run's included. */
export interface FailuresInRow {
  readonly count: number;
  /** Whether these are as many as the owner wants to be alarmed of. */
  readonly alarm: boolean;
  /** Whether the instance's schedule was paused for that. */
  readonly paused: boolean;
}

export interface NotificationResult {
  readonly notifier: NotifierKind;
  readonly event: string;
  readonly ok: boolean;
  /** Why it failed, or `null`. */
  readonly error: string | null;
}

/** @param known commits of inputs, perhaps between other revisions */
export const reportedInput = (
  { from, to, nestedMoves = [], ...moved }: MovedInput,
  known: readonly CommitsOfInput[] = [],
): ReportedInput => ({
  ...moved,
  ...reportedMove(from, to),
  ...commitsOf(
    known.find((each) => each.name === moved.name && each.from === from?.revision && each.to === to?.revision),
  ),
  nestedMoves: nestedMoves.map((each) => ({ ...each, ...reportedMove(each.from, each.to) })),
});

const commitsOf = (found: CommitsOfInput | undefined): Pick<ReportedInput, 'commits'> =>
  found === undefined ? {} : { commits: { count: found.count, newest: found.newest } };

const reportedMove = (from: InputRevision | null, to: InputRevision | null): ReportedMove => ({
  from: from?.revision ?? null,
  to: to?.revision ?? null,
  fromDate: from?.date ?? null,
  toDate: to?.date ?? null,
});

/** Targets that are built. */
export const hostsOf = ({ targets }: Report): readonly ReportedTarget[] =>
  targets.filter(({ kind }) => isOutputKind(kind));

/** Targets that are commands which have to succeed. */
export const gatesOf = ({ targets }: Report): readonly ReportedTarget[] =>
  targets.filter(({ kind }) => !isOutputKind(kind));
