import type { WaitingInput } from '../../../model/flake-lock/cooldown.js';
import type { Source } from '../../../model/flake-lock/sources.js';
import type { RefusedInput, UnfetchedInput } from '../../../model/verify/candidate.js';

export interface Answers {
  /** Text of the lock with what has moved; `null` when there is none: a flake without inputs gets none. */
  readonly lock: string | null;
  /** Inputs that could not be asked for: they stay where they are. */
  readonly unfetched: readonly UnfetchedInput[];
  /** Inputs that were not fetched whole for what they bring along: they stay, too. */
  readonly refused: readonly RefusedInput[];
  /** Inputs whose newest revision is too new. */
  readonly waiting: readonly WaitingInput[];
  /** What inputs of that lock bring along as submodules and are not permitted to. */
  readonly submodules: ReadonlyMap<string, readonly Source[]>;
}
