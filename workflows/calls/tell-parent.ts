import {
  CancellationScope,
  defineSignal,
  getExternalWorkflowHandle,
  patched,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import { DOING, TARGET_DONE } from '../../model/run/messages.js';
import type { TargetProgress } from '../../model/progress/progress.js';
import type { VerifyInput } from '../../model/verify/verification.js';
import { goOnWithout } from './unneeded.js';

const targetDone = defineSignal<TargetProgress[]>(TARGET_DONE);
const doing = defineSignal<[string]>(DOING);

/** Shows what a child does now, and tells the run that it belongs to, which goes on without as well. */
export async function tellDoing(words: string): Promise<void> {
  setCurrentDetails(words);
  const { parent } = workflowInfo();
  if (parent === undefined) return;
  try {
    await getExternalWorkflowHandle(parent.workflowId, parent.runId).signal(doing, words);
  } catch (error) {
    goOnWithout(`whether the run has heard "${words}"`, error);
  }
}

export interface TellParent {
  /** Resolves when the caller may go on; the signal may still be under way. */
  readonly tell: (change: TargetProgress) => Promise<void>;
  /** To be called when the result tells the rest: the server refuses the end of a workflow that has not heard yet what became of a signal. */
  readonly stop: () => Promise<void>;
}

const NOTHING: TellParent = { tell: () => Promise.resolve(), stop: () => Promise.resolve() };

/**
 * How a verification tells the run that it belongs to, which draws the table that people see. While a signal is on its way,
 * what changes is gathered for the next one: of a hundred targets that end at once, two signals tell.
 */
export function tellingParent({ probe, targets }: Pick<VerifyInput, 'probe' | 'targets'>): TellParent {
  const { parent } = workflowInfo();
  // Nobody sees the table of a probe.
  if (parent === undefined || probe !== undefined) return NOTHING;
  const run = getExternalWorkflowHandle(parent.workflowId, parent.runId);
  // replay-tested: 2026-11-25, test/replay/0.1.0
  if (!patched('tell-parent-together')) return { ...NOTHING, tell: (change) => run.signal(targetDone, change) };

  const untold = new Map<string, TargetProgress>();
  let open = targets.length;
  let telling: Promise<void> | null = null;
  const tellAll = async (): Promise<void> => {
    try {
      while (untold.size > 0) {
        const changes = [...untold.values()];
        untold.clear();
        // It tells of others too than of the one whose work may be cancelled here.
        await CancellationScope.nonCancellable(() => run.signal(targetDone, ...changes));
      }
    } catch {
      // The run is over, or ends: it learns all from the result of its child, or wants to know no more.
    }
    telling = null;
  };
  return {
    tell: (change) => {
      if (change.state === 'done') open -= 1;
      // The result tells of the last one.
      if (open === 0) return Promise.resolve();
      untold.set(change.name, change);
      telling ??= tellAll();
      return Promise.resolve();
    },
    stop: async () => {
      untold.clear();
      await telling;
    },
  };
}
