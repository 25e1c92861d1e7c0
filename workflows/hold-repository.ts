import { condition, isCancellation, patched } from '@temporalio/workflow';

/**
 * Holds a repository for its parent run: two workflows with one id cannot run at once. The run cancels it at its end, and it
 * completes; however else the run ends, the parent's close policy ends this one as well.
 */
export async function holdRepository(): Promise<void> {
  try {
    // eslint-disable-next-line temporal/workflow-condition-timeout-style -- it ends with its parent, not by itself
    await condition(() => false);
  } catch (error) {
    // Under 0.1.0 it ended as cancelled. replay-tested: 2026-11-29, test/replay/0.1.0
    if (!isCancellation(error) || !patched('repository-lock-completes')) throw error;
  }
}
