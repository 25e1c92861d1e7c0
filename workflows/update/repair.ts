import type { Verdict } from '../../model/verify/verdict.js';
import type { Committed, Update } from './commit-update.js';
import type { Run } from './run.js';

/** An update that broke something: its candidate, and the targets in question. */
export interface BrokenUpdate extends Pick<Committed, 'candidate' | 'locked' | 'update'> {
  readonly broken: readonly Verdict[];
  /** Whether it is worth the while when only some of the targets are helped: the others are dealt with otherwise. */
  readonly partlyWanted: boolean;
}

/**
 * A step of the policy that gives another update, which is committed and verified in turn; `nothing-moves` when nothing is left
 * of it, `null` when the step cannot help.
 */
export type Repair = (run: Run, about: BrokenUpdate) => Promise<Update | 'nothing-moves' | null>;
