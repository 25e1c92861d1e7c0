import type { MovedInput, UnfetchedInput } from '../../model/verify/candidate.js';
import type { BuildPlan } from '../../model/nix/build-plan.js';
import type { Phase, RunProgress } from '../../model/progress/progress.js';
import type { HeldBackInput, Outcome, Report } from '../../model/report/data.js';
import type { VerdictKind } from '../../model/targets/types.js';

/** All that a renderer draws of a run. Texts are one line each, without control characters. */
export interface ProgressView {
  readonly run: string;
  /** `null` as long as no worker has told it. */
  readonly phase: Phase | null;
  readonly waitsFor: string | null;
  /** What it does now, when the phase does not tell all. */
  readonly doing: string | null;
  /** What keeps the run from going on and what to do about it; `null` when all is well. */
  readonly problem: string | null;
  readonly base: string | null;
  readonly head: string | null;
  readonly moved: readonly MovedInput[];
  readonly unfetched: readonly UnfetchedInput[];
  readonly heldBack: readonly Pick<HeldBackInput, 'input' | 'targets' | 'reason'>[];
  /** Targets that an agent has fixed; `status --json` has it under this name. */
  readonly mended: readonly string[];
  readonly targets: readonly TargetView[];
  readonly approval: RunProgress['approval'];
  readonly outcome: Outcome | null;
  readonly intent: string | null;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

export interface TargetView {
  readonly name: string;
  readonly state: 'waiting' | 'evaluating' | 'queued' | 'building' | 'uploading' | 'done';
  readonly system: string | null;
  readonly verdict: VerdictKind | null;
  readonly sameAsBase: boolean | null;
  readonly error: string | null;
  /** Of a target that is done. */
  readonly seconds: number | null;
  /** Milliseconds since 1970 of the start of what it is doing now. */
  readonly startedAt: number | null;
  /** Host name of the machine that works on it. */
  readonly machine: string | null;
  /** Derivations done and planned; 0 planned when that is not known. */
  readonly done: number;
  readonly planned: number;
  /** What building it has to do; `null` when that is not known. */
  readonly plan: BuildPlan | null;
  readonly estimateSeconds: number | null;
  readonly lastLine: string | null;
  /** What Nix cannot reach or get while it builds. */
  readonly trouble: string | null;
  /** What became of its uploads; `null` where there are none, or they are not over. */
  readonly caches: string | null;
  readonly logPath: string | null;
}

export const AT_REST = {
  startedAt: null,
  machine: null,
  done: 0,
  planned: 0,
  plan: null,
  estimateSeconds: null,
  lastLine: null,
  trouble: null,
  caches: null,
} satisfies Partial<TargetView>;

/** Draws a run. It is told what there is to see, and decides nothing. */
export interface Renderer {
  update(view: ProgressView): void;
  /** The run is closed, or nobody looks any more (`null`); nothing is drawn after it. */
  finish(report: Report | null): void;
}
