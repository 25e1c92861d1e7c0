import { defineSignal, getExternalWorkflowHandle, patched, workflowInfo } from '@temporalio/workflow';
import { TARGET_DONE } from '../model/messages.js';
import type { TargetProgress } from '../model/progress.js';

const targetDone = defineSignal<TargetProgress[]>(TARGET_DONE);

/** Resolves when nothing has to be waited for any more. */
export type TellParent = (change: TargetProgress) => Promise<void>;

/**
 * How a verification tells the run that it belongs to, which draws the table that people see. While a signal is on its way,
 * what changes is gathered for the next one: of a hundred targets that end at once, two signals tell.
 */
export function openTold(): TellParent {
  const { parent } = workflowInfo();
  if (parent === undefined) return () => Promise.resolve();
  const signal = async (changes: readonly TargetProgress[]): Promise<void> => {
    await getExternalWorkflowHandle(parent.workflowId, parent.runId).signal(targetDone, ...changes);
  };
  // replay-tested: 2026-11-25, test/replay/0.1.0
  if (!patched('tell-parent-together')) return (change) => signal([change]);

  const untold = new Map<string, TargetProgress>();
  let telling = false;
  const tellAll = async (): Promise<void> => {
    telling = true;
    try {
      while (untold.size > 0) {
        const changes = [...untold.values()];
        untold.clear();
        await signal(changes);
      }
    } catch {
      // The run is over, or ends: it learns all from the result of its child, or wants to know no more.
    } finally {
      telling = false;
    }
  };
  return (change) => {
    untold.set(change.name, change);
    if (!telling) void tellAll();
    return Promise.resolve();
  };
}
