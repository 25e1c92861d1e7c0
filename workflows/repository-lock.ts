import { ParentClosePolicy, sleep, startChild, workflowInfo } from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { RunOptions } from '../model/run.js';
import { coordinator } from './activities.js';
import { fail } from './failures.js';
import { holdRepository } from './hold-repository.js';
import type { RunState } from './run-state.js';

/** Longest pause between two tries, in seconds. */
const LONGEST_PAUSE = 15;

/**
 * Takes the repository for this run. While another run holds it, says who does and tries again until the deadline;
 * then fails as `RepositoryBusy`. The server gives the repository back however this run ends.
 */
export async function takeRepository(options: RunOptions, state: RunState): Promise<void> {
  const { workflowId, memo } = workflowInfo();
  let waited = 0;
  for (let pause = 1; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    try {
      await startChild(holdRepository, {
        workflowId: options.lockWorkflowId,
        parentClosePolicy: ParentClosePolicy.TERMINATE,
        memo: { run: workflowId, optionsDigest: memo?.optionsDigest ?? null },
        staticSummary: `held by ${workflowId}`,
      });
      return;
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
    const holder =
      (await coordinator('ask who holds the repository').whoHolds({ lockWorkflowId: options.lockWorkflowId })) ??
      'another run';
    const where = options.repository.displayUrl;
    if (waited >= options.repositoryWaitSeconds)
      throw fail(
        'RepositoryBusy',
        `${where} is held by ${holder}, and was not released within ${options.repositoryWaitSeconds} seconds: wait for it ("lockkeeper watch ${holder}") or end it ("lockkeeper cancel ${holder}")`,
      );
    state.phase('waiting-for-repository', `${where} is held by ${holder}`);
    waited += pause;
    await sleep(pause * 1000, { summary: `repository held by ${holder}` });
  }
}
