import type { CacheOutcome } from '../caches/outcome.js';
import type { TargetChange } from '../closure/closure.js';
import type { BuildPlan } from '../nix/build-plan.js';
import type { Target } from '../targets/index.js';
import type { VerdictKind } from '../targets/types.js';

/** What verifying one target of one candidate gave. Data, never an exception. */
export interface Verdict {
  readonly target: Target;
  readonly verdict: VerdictKind;
  /** Nix system of the derivation (`x86_64-linux`); `null` when it did not evaluate. */
  readonly system: string | null;
  readonly drvPath: string | null;
  readonly outPath: string | null;
  /** True when the closure is the same as on base, the revision left out; `null` when that is not known. */
  readonly sameAsBase: boolean | null;
  /** What the update changes in its closure; missing when nothing is, when that is not known, and in older runs. */
  readonly closure?: TargetChange;
  /** What building it had to do, as Nix said before it began; missing when that is not known, and in older runs. */
  readonly plan?: BuildPlan;
  /** What became of its upload to each cache; missing where nothing is uploaded, and in older runs. */
  readonly caches?: readonly CacheOutcome[];
  /** Wall time of evaluation and build, in seconds with one decimal. */
  readonly seconds: number;
  /** One line that says what broke; `null` when built. */
  readonly error: string | null;
  /** Whether a machine may do it only when a person has approved the candidate, which holds an agent's change; missing: no. */
  readonly needsApproval?: true;
  /** The derivation whose builder failed; `null` for evaluation errors. */
  readonly failedDrv: string | null;
  /** Machine and absolute path of the whole log. */
  readonly machine: string | null;
  readonly logPath: string | null;
  /** Last 200 lines of the log, at most 8 KiB, without colours and control characters. */
  readonly logTail: string | null;
  /** Earlier run that found it out for the same commit; missing where this run did. */
  readonly knownFrom?: string;
}

type Facts = Omit<Verdict, 'target' | 'verdict'>;

/** Facts of a verdict of which nothing is known. */
export const NOTHING_KNOWN: Facts = {
  system: null,
  drvPath: null,
  outPath: null,
  sameAsBase: null,
  seconds: 0,
  error: null,
  failedDrv: null,
  machine: null,
  logPath: null,
  logTail: null,
};

/** The verdict of a target, with the facts that are known beside it. */
export const verdictOf = (target: Target, verdict: VerdictKind, facts: Partial<Facts>): Verdict => ({
  target,
  verdict,
  ...NOTHING_KNOWN,
  ...facts,
});

export type Evaluation =
  | {
      readonly kind: 'evaluated';
      readonly drvPath: string;
      readonly outPath: string;
      readonly system: string;
      /** Machine that has the derivation in its store. */
      readonly machine: string;
      readonly seconds: number;
      /** What building it has to do; missing where nobody asked before the build. */
      readonly plan?: BuildPlan;
    }
  | { readonly kind: 'failed'; readonly verdict: Verdict };

export const LOG_TAIL_LINES = 200;
export const LOG_TAIL_BYTES = 8 * 1024;
