import {
  CancellationScope,
  defineSignal,
  getExternalWorkflowHandle,
  patched,
  setCurrentDetails,
  sleep,
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

/** The next signal comes this long after the last one has arrived. What changes seldom is told at once, and costs no timer. */
const PAUSE_MS = 1000;

/**
 * How a verification tells the run that it belongs to, which draws the table that people see. While a signal is on its way, and
 * in the pause after it, what changes is gathered for the next one.
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
  let toldAt = 0;
  let pause: CancellationScope | null = null;
  const gather = async (ms: number): Promise<void> => {
    pause = new CancellationScope();
    await pause.run(() => sleep(ms, { summary: 'gather what has changed' }));
  };
  const tellAll = async (): Promise<void> => {
    try {
      while (untold.size > 0) {
        // It tells of others too than of the one whose work may be cancelled here.
        // replay-tested: 2026-11-30, test/replay/0.1.0
        const early = patched('tell-parent-gathers') ? toldAt + PAUSE_MS - Date.now() : 0;
        if (early > 0) await CancellationScope.nonCancellable(() => gather(early));
        const changes = [...untold.values()];
        untold.clear();
        await CancellationScope.nonCancellable(() => run.signal(targetDone, ...changes));
        toldAt = Date.now();
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
      pause?.cancel();
      await telling;
    },
  };
}
