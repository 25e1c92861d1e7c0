import type { MovedInput, UnfetchedInput } from '../verify/candidate.js';
import type { HeldBackFailure, HeldBackInput, Outcome } from '../report/data.js';
import type { BuildPlan } from '../nix/build-plan.js';
import { outcomesWords } from '../caches/words.js';
import { truncate } from '../text/text.js';
import { targetLabel } from '../targets/index.js';
import type { VerdictKind } from '../targets/types.js';
import type { Verdict } from '../verify/verdict.js';

export const PHASES = [
  'waiting-for-repository',
  'resolving',
  'updating-lock',
  'proposing',
  'verifying',
  'mending',
  'holding-back',
  'waiting-for-approval',
  'landing',
  'notifying',
  'closed',
] as const;
export type Phase = (typeof PHASES)[number];

/** Answer of the `progress` query of `updateFlake`. */
export interface RunProgress {
  readonly run: string;
  readonly instance: string;
  readonly repository: string;
  readonly phase: Phase;
  /** What the run waits for, in one sentence; `null` when it works. */
  readonly waitsFor: string | null;
  /** What it does now when the phase does not tell all; missing in older runs. */
  readonly doing?: string | null;
  readonly base: string | null;
  readonly head: string | null;
  readonly moved: readonly MovedInput[];
  readonly unfetched: readonly UnfetchedInput[];
  /** Inputs that the candidate keeps back, without the ends of their logs; missing in older runs. */
  readonly heldBack?: readonly ShownHold[];
  /** Targets that an agent has fixed in the candidate; missing in older runs. */
  readonly mended?: readonly string[];
  readonly targets: readonly TargetProgress[];
  /** Workflow ids of the running `verifyCandidate` children. */
  readonly children: readonly string[];
  /** `about`: whether it asks to build so much, and not to land. */
  readonly approval: { readonly deadline: string; readonly commit: string; readonly about?: 'builds' } | null;
  readonly outcome: Outcome | null;
  /** What will be pushed and where, in one sentence. */
  readonly intent: string;
}

export interface ShownHold extends Pick<HeldBackInput, 'input' | 'targets' | 'reason' | 'newRevision'> {
  /** Missing in older runs. */
  readonly failures?: readonly Omit<HeldBackFailure, 'logTail'>[];
}

export const shownHold = ({ input, targets, reason, newRevision = null, failures = [] }: HeldBackInput): ShownHold => ({
  input,
  targets,
  reason: truncate(reason, 300),
  newRevision,
  failures: failures.map(({ target, error, failedDrv, machine, logPath }) => {
    return { target, error: truncate(error, 300), failedDrv, machine, logPath };
  }),
});

export interface TargetProgress {
  readonly name: string;
  /** `uploading`: it is built, and caches do not have it yet. */
  readonly state: 'waiting' | 'evaluating' | 'queued' | 'building' | 'uploading' | 'done';
  readonly system: string | null;
  readonly verdict: VerdictKind | null;
  readonly sameAsBase: boolean | null;
  readonly seconds: number | null;
  /** What broke it; of a target that is not done, what it waits for. */
  readonly error: string | null;
  /** What building it has to do; missing where nobody asked before the build. */
  readonly plan?: BuildPlan;
  /** What became of its uploads, in words; missing where nothing is uploaded. */
  readonly caches?: string;
}

export const untouched = (name: string): TargetProgress => ({
  name,
  state: 'waiting',
  system: null,
  verdict: null,
  sameAsBase: null,
  seconds: null,
  error: null,
});

/** A target whose verdict is in. */
export const ended = ({ target, verdict, system, sameAsBase, seconds, error, caches }: Verdict): TargetProgress => ({
  name: targetLabel(target),
  state: 'done',
  system,
  verdict,
  sameAsBase,
  seconds,
  error,
  ...(caches === undefined ? {} : { caches: outcomesWords(caches) }),
});

/** Activity ids are made of these, so that a client can tell which pending activity belongs to which target. */
export const evaluateActivityId = (target: string): string => `evaluate ${target}`;
export const compareActivityId = (target: string): string => `compare ${target}`;
export const closureActivityId = (target: string): string => `closure ${target}`;
export const baseActivityId = (target: string): string => `base ${target}`;
export const planActivityId = (target: string): string => `plan ${target}`;
export const uploadActivityId = (target: string, cache: number, round: number): string =>
  `upload ${target} #${cache}-${round}`;
export const buildActivityId = (target: string, round: number): string => `build ${target} #${round}`;
export const attemptActivityId = (attempt: number, target: string, round: number): string =>
  `attempt ${attempt} at ${target}${round === 1 ? '' : ` #${round}`}`;
