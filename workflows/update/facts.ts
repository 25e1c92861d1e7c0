import type { PastAttempt } from '../../model/autofix/attempt.js';
import type { Fix } from '../../model/autofix/fix-target.js';
import type { SeenBranch } from '../../model/contract/landing.js';
import type { NewestWords } from '../../model/contract/requests.js';
import type { EarlierHold } from '../../model/report/earlier-holds.js';
import type { CommitsOfInput } from '../../model/flake-lock/commits.js';
import type {
  FailuresInRow,
  Outcome,
  PlannedBuilds,
  Report,
  ReportedPart,
  ReportedRequest,
} from '../../model/report/data.js';
import type { InputGroup } from '../../model/run/input-groups.js';
import type { Candidate, MovedInput, UnfetchedInput } from '../../model/verify/candidate.js';
import { targetLabel } from '../../model/targets/index.js';
import type { Verdict } from '../../model/verify/verdict.js';

/** Facts that the report has as they are. */
export const REPORTED_FACTS = [
  'base',
  'ignoredNixConfig',
  'notAsked',
  'gone',
  'required',
  'advice',
  'brokenOnBase',
  'notHeldBack',
  'approval',
  'landed',
  'closedRequests',
  'channels',
  'notifications',
  'error',
] as const satisfies readonly (keyof Report)[];

/** What a run has found out so far. Its report is made of this. */
export interface Facts extends Pick<Report, (typeof REPORTED_FACTS)[number] | 'waiting' | 'heldBack'> {
  /** Unpushed commits and uncommitted files of the owner's checkout, for people. */
  readonly ignoredChanges: readonly string[];
  readonly fetchFailures: readonly UnfetchedInput[];
  /** Commits of inputs that moved, as far as they are known. */
  readonly commits: readonly CommitsOfInput[];
  readonly inputGroup: InputGroup | null;
  /** `null` when that is not known. */
  readonly earlierHolds: readonly EarlierHold[] | null;

  readonly candidate: Candidate | null;
  /** Root inputs that the candidate moves. */
  readonly moved: readonly MovedInput[];
  readonly fixes: readonly Fix[];
  readonly verdicts: readonly Verdict[];
  /** What each target's longest verification took and had to do: a later one finds in the store what it built. */
  readonly longest: ReadonlyMap<string, Pick<Verdict, 'seconds' | 'plan'>>;

  /** What agents have tried, by name of the target: all that were asked about, also those for which nothing was tried yet. */
  readonly attempts: ReadonlyMap<string, readonly PastAttempt[]>;
  /** Why nothing lands although no broken host stops it. */
  readonly nothingVerified: string | null;
  /** How much the candidate would build, where there is a limit. */
  readonly plannedBuilds: PlannedBuilds | null;
  /** What a person let the run build beyond the limit. */
  readonly approvedBuilds: { readonly builds: number; readonly by: string | null } | null;

  /** What that approval is of: see `proposalOf`. */
  readonly approvedProposal: string | null;
  readonly supersededBy: string | null;
  /** What was said on open pull requests before this one was asked about, if anything there is an answer. */
  readonly said: NewestWords | null;
  /** The closed pull request with the same lock. */
  readonly declined: ReportedRequest | null;
  /** Whether there were requests of single inputs before, although the run proposes all in one. */
  readonly requestsOfInputs: boolean;
  /** What became of each part of a run that proposes each input by itself; `null`: it is not one. */
  readonly parts: readonly ReportedPart[] | null;
  /** Older update branches that the landed one makes needless, if they were looked for. */
  readonly needlessBranches: readonly SeenBranch[];
  readonly failuresInRow: FailuresInRow | null;
  /** Machines that hold records and GC roots of the run. */
  readonly machines: readonly string[];
  /** `null` while it goes on. */
  readonly outcome: Outcome | null;
}

export type Found = Partial<Facts>;

/** How the update of a run ended, before people are told. */
export type Ended = Found & { readonly outcome: Outcome };

/** Facts about a candidate when there is none. */
export const NO_CANDIDATE = { candidate: null, moved: [], fixes: [], verdicts: [] } satisfies Found;

export const NOTHING_FOUND: Facts = {
  base: null,
  ignoredChanges: [],
  ignoredNixConfig: [],
  notAsked: [],
  gone: [],
  required: [],
  fetchFailures: [],
  waiting: [],
  advice: [],
  commits: [],
  inputGroup: null,
  earlierHolds: [],
  ...NO_CANDIDATE,
  heldBack: [],
  longest: new Map(),
  attempts: new Map(),
  brokenOnBase: [],
  notHeldBack: [],
  nothingVerified: null,
  plannedBuilds: null,
  approvedBuilds: null,
  approval: null,
  approvedProposal: null,
  supersededBy: null,
  landed: null,
  said: null,
  declined: null,
  closedRequests: [],
  requestsOfInputs: false,
  parts: null,
  channels: [],
  needlessBranches: [],
  failuresInRow: null,
  notifications: [],
  machines: [],
  outcome: null,
  error: null,
};

/** Puts what a step found to what was known: some of it adds up, everything else takes the place of what was there. */
export const fold = (facts: Facts, found: Found): Facts => ({
  ...facts,
  ...found,
  fetchFailures: [...facts.fetchFailures, ...(found.fetchFailures ?? [])],
  longest: longest(facts.longest, found.verdicts ?? []),
  attempts: new Map([...facts.attempts, ...(found.attempts ?? [])]),
  notifications: [...facts.notifications, ...(found.notifications ?? [])],
  machines: [...new Set([...facts.machines, ...(found.machines ?? [])])],
});

function longest(before: Facts['longest'], verdicts: readonly Verdict[]): Facts['longest'] {
  const after = new Map(before);
  for (const { target, seconds, plan } of verdicts) {
    const name = targetLabel(target);
    if (seconds > (after.get(name)?.seconds ?? -1)) after.set(name, { seconds, ...(plan && { plan }) });
  }
  return after;
}
