import { KEPT_CLOSURES } from './defaults.js';
import type { AutofixOptions, RunOptions } from './options.js';

/** Options that a run may lack: an earlier version did not know them, or nobody asked for them. */
type Later = 'excludeInputs' | 'inputGroups' | 'supersedes' | 'keepClosures' | 'onFailure' | 'holdBack' | 'gates';

/** The options of a run with all that it may lack, so that no step asks whether they are there. */
export type WholeOptions = RunOptions &
  Required<Pick<RunOptions, Later>> & {
    readonly autofix: WholeAgent | null;
  };

export type WholeAgent = AutofixOptions & Required<Pick<AutofixOptions, 'network' | 'nixDaemon'>>;

/** The one door for a run's options. */
export const wholeOptions = (options: RunOptions): WholeOptions => ({
  ...{ excludeInputs: [], inputGroups: [], supersedes: false, keepClosures: KEPT_CLOSURES, gates: [] },
  onFailure: ['report'],
  holdBack: { never: [], pinned: [], probeBudget: 0 },
  ...options,
  autofix: options.autofix == null ? null : wholeAgent(options.autofix),
});

/** An agent as a run asks it, also where an activity of an earlier version does. */
export const wholeAgent = (agent: AutofixOptions): WholeAgent => ({ network: 'outside', nixDaemon: false, ...agent });
