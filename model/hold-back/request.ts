import type { Candidate } from '../verify/candidate.js';
import type { Person } from '../git/person.js';
import type { Target } from '../targets/index.js';
import type { VerdictKind } from '../targets/types.js';
import type { VerifySetting } from '../verify/verification.js';
import type { Evidence } from './findings.js';
import type { SearchResult } from './search.js';
import type { InseparableInputs } from '../flake-lock/inseparable.js';

/** The single argument of the `holdBack` workflow: a candidate that broke something, and what it broke. */
export interface HoldBackRequest extends VerifySetting {
  readonly candidate: Candidate;
  /** Root inputs that the candidate moved; the first ones are kept back least. */
  readonly moved: readonly string[];
  readonly broken: readonly BrokenTarget[];
  /** Names of inputs that must not be kept back. */
  readonly never: readonly string[];
  /** Most probes of all targets together. */
  readonly budget: number;
  readonly author: Person;
  readonly committer: Person;
  /** Seconds since 1970, of each probe's commit. */
  readonly date: number;
}

export interface BrokenTarget {
  readonly target: Target;
  readonly verdict: VerdictKind;
  readonly drvPath: string | null;
  readonly failedDrv: string | null;
}

export interface HoldBackResult {
  /** The moved inputs, those together that move only together. */
  readonly groups: readonly InseparableInputs[];
  /** By name of the target, one for each that was asked about. */
  readonly results: readonly (readonly [target: string, result: SearchResult])[];
  /** What probes showed that moved one of several inputs to blame; missing in older runs. */
  readonly evidence?: readonly Evidence[];
  /** Machines that hold records and GC roots of probes. */
  readonly machines: readonly string[];
}
