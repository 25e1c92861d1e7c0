import type { WorkflowExecutionDescription } from '@temporalio/client';
import { UPDATE_INSTANCE } from '../model/ids.js';
import { oneLine } from '../model/one-line.js';
import { COORDINATOR_QUEUE, userOf } from '../model/queues.js';
import type { Session } from './connection.js';
import { livePollers } from './pollers.js';
import { typed } from './typed.js';

/**
 * Says that nobody works on the runs of a queue, and how to change that; `null` when somebody does.
 * @param otherwise what else brings a worker, where the queue is nobody's in particular
 */
export async function workerProblem(
  session: Session,
  queue = COORDINATOR_QUEUE,
  otherwise: string | null = null,
): Promise<string | null> {
  if ((await livePollers(session, queue)).length > 0) return null;
  const user = userOf(queue);
  const start =
    user === null
      ? `start one with "${typed('worker')}"${otherwise === null ? '' : `, or ${otherwise}`}`
      : `start one as ${user}, with "lockkeeper worker --user-queue ${user}"`;
  return `no worker polls the queue ${queue}: ${start}`;
}

/** The same of an open run: the command that started it brings a worker with it. */
export const runWorkerProblem = (
  session: Session,
  { taskQueue, memo }: WorkflowExecutionDescription,
): Promise<string | null> =>
  workerProblem(session, taskQueue, memo?.instance === UPDATE_INSTANCE ? `run "${typed('update')}" again` : null);

/** What the server says of a workflow. */
type Described = WorkflowExecutionDescription['raw'];

/**
 * Says that the workflow task of a run, or of a workflow that works for it, keeps failing, which nothing else shows, with
 * the way out; `null` when none does.
 * @param described the run; each open workflow below it is asked for
 */
export async function workflowTaskProblem(session: Session, run: string, described: Described): Promise<string | null> {
  const own = await failingTask(session, run, described);
  if (own !== null)
    return `the run's ${own} and start it anew: "temporal workflow terminate ${where(session)} -w ${run}"`;
  return await failingBelow(session, described);
}

/** The run lives on below a child that is ended: it fails, and tells people. */
async function failingBelow(session: Session, described: Described): Promise<string | null> {
  for (const child of described.pendingChildren ?? []) {
    const id = child.workflowId ?? '';
    const { raw } = await session.client.workflow.getHandle(id).describe();
    const own = await failingTask(session, id, raw);
    if (own !== null)
      return `${id} works for the run, and its ${own} by ending that: "temporal workflow terminate ${where(session)} -w ${id}"`;
    const below = await failingBelow(session, raw);
    if (below !== null) return below;
  }
  return null;
}

const where = ({ address, namespace }: Session): string => `--address ${address} --namespace ${namespace}`;

/** A single repeat also follows the death of a worker. */
async function failingTask(session: Session, workflow: string, described: Described): Promise<string | null> {
  const attempt = described.pendingWorkflowTask?.attempt ?? 0;
  const cause = attempt < 2 ? null : await lastTaskFailure(session, workflow);
  if (cause === null) return null;
  return (
    `workflow task fails again and again (attempt ${attempt}): ${cause}. Usually the worker is of another version than the ` +
    'run: start a worker of the version that started it, or end the run'
  );
}

/** Types of history events that end a workflow task. */
const TASK_COMPLETED = 7;
const TASK_FAILED = 9;

/** Message of a workflow's last task if it failed, in one line; `null` when it did not. */
async function lastTaskFailure(session: Session, workflow: string): Promise<string | null> {
  const answer = await session.client.workflowService.getWorkflowExecutionHistoryReverse({
    namespace: session.namespace,
    execution: { workflowId: workflow },
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
