import { oneLine } from '../model/one-line.js';
import { COORDINATOR_QUEUE } from '../model/queues.js';
import type { Session } from './connection.js';
import { livePollers } from './pollers.js';
import { typed } from './typed.js';

/** Says that nobody works on runs, and how to change that; `null` when somebody does. */
export async function workerProblem(session: Session): Promise<string | null> {
  if ((await livePollers(session, COORDINATOR_QUEUE)).length > 0) return null;
  return `no worker polls the queue ${COORDINATOR_QUEUE}: start one with "${typed('worker')}", or run "${typed('update')}" again`;
}

/**
 * Says that a run's workflow task keeps failing, which nothing else shows, with the way out; `null` when it does not.
 * @param attempt of the pending workflow task; a single repeat also follows the death of a worker
 */
export async function workflowTaskProblem(session: Session, run: string, attempt: number): Promise<string | null> {
  if (attempt < 2) return null;
  const cause = await lastTaskFailure(session, run);
  if (cause === null) return null;
  return (
    `the run's workflow task fails again and again (attempt ${attempt}): ${cause}. Usually the worker is of another version ` +
    'than the run: start a worker of the version that started it, or end the run with ' +
    `"temporal workflow terminate --address ${session.address} --namespace ${session.namespace} -w ${run}" and start it anew`
  );
}

/** Types of history events that end a workflow task. */
const TASK_COMPLETED = 7;
const TASK_FAILED = 9;

/** Message of the run's last workflow task if it failed, in one line; `null` when it did not. */
async function lastTaskFailure(session: Session, run: string): Promise<string | null> {
  const answer = await session.client.workflowService.getWorkflowExecutionHistoryReverse({
    namespace: session.namespace,
    execution: { workflowId: run },
    maximumPageSize: 6,
  });
  const event = answer.history?.events?.find((each) => [TASK_COMPLETED, TASK_FAILED].includes(Number(each.eventType)));
  if (Number(event?.eventType) !== TASK_FAILED) return null;
  const message = event?.workflowTaskFailedEventAttributes?.failure?.message;
  return oneLine(message ?? 'without a message', 300);
}

interface PendingActivity {
  readonly attempt?: number | null;
  readonly maximumAttempts?: number | null;
  readonly lastFailure?: { readonly message?: string | null } | null;
}

/**
 * Says why a step of the run did not work the last time and that it is tried again: a full disk or a remote that does not
 * answer would else only be seen as silence. `null` when every step is at its first try.
 */
export function retryProblem(activities: readonly PendingActivity[]): string | null {
  const failing = activities.find((each) => (each.attempt ?? 0) > 1 && typeof each.lastFailure?.message === 'string');
  if (failing === undefined) return null;
  const most = failing.maximumAttempts ?? 0;
  return `${oneLine(failing.lastFailure?.message ?? '', 300)} (tried again: attempt ${failing.attempt ?? 0}${most > 0 ? ` of ${most}` : ''})`;
}
