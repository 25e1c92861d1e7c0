import type { WorkflowExecutionInfo } from '@temporalio/client';
import type { Session } from '../server/connection.js';
import { missingWorker, workerBringer, type MissingWorker } from '../server/problems.js';
import { waitsForApproval } from './run-state.js';

/** On which open runs nobody works, for each of their queues. One that waits for a person needs nobody: who answers it brings a worker. */
export async function unattendedRuns(
  session: Session,
  runs: readonly Pick<WorkflowExecutionInfo, 'workflowId' | 'taskQueue' | 'status' | 'typedSearchAttributes'>[],
): Promise<readonly MissingWorker[]> {
  const working = runs.filter((run) => run.status.name === 'RUNNING' && !waitsForApproval(run));
  const queues = [...new Set(working.map(({ taskQueue }) => taskQueue))];
  const found = await Promise.all(
    queues.map(async (queue) => {
      const waiting = working.filter(({ taskQueue }) => taskQueue === queue).map(({ workflowId }) => workflowId);
      const [first = ''] = waiting;
      const missing = await missingWorker(session, queue, workerBringer(session, first));
      if (missing === null) return [];
      const more = waiting.length > 1 ? ` and ${waiting.length - 1} more` : '';
      return [{ ...missing, found: `nobody works on ${first}${more}: ${missing.found}` }];
    }),
  );
  return found.flat();
}
