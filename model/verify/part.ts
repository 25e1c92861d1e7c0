import type { Candidate } from './candidate.js';
import type { Target } from '../targets/index.js';

/** What a run has one of its parts do: bring some of its inputs, and nothing else, into a pull request. */
export interface PartOfRun {
  /** Workflow id of the run. */
  readonly run: string;
  /** All that the run moves. */
  readonly candidate: Candidate;
  /** Root inputs of it that this part moves. */
  readonly move: readonly string[];
  /** What the run has found out about main for all of them. */
  readonly targets: readonly Target[];
  readonly required: readonly string[];
  readonly notAsked: readonly string[];
  readonly ignoredNixConfig: readonly string[];
}
