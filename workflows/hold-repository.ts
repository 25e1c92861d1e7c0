import { condition } from '@temporalio/workflow';

/**
 * Holds a repository for its parent run: two workflows with one id cannot run at once, and the parent's close policy ends
 * this one however the run ends. It has nothing else to do.
 */
export async function holdRepository(): Promise<void> {
  // eslint-disable-next-line temporal/workflow-condition-timeout-style -- it ends with its parent, not by itself
  await condition(() => false);
}
