import type { WorkflowExecutionDescription } from '@temporalio/client';
import type { TryLimit } from '../../model/run/infrastructure.js';
import { oneLine } from '../../model/text/one-line.js';
import { COORDINATOR_QUEUE, userOf } from '../../model/run/queues.js';
import type { Session } from './connection.js';
import { pollersOf, standsStill } from '../../host/pollers.js';
import { suggest } from '../terminal/suggest.js';

export interface MissingWorker {
  readonly found: string;
  /** What changes that. */
  readonly wayOut: string;
}

/**
 * Looks whether nobody works on the runs of a queue; `null` when somebody does.
 * @param remedy what else is to be done, or is done, where the queue is nobody's in particular
 */
export async function missingWorker(
  session: Session,
  queue: string,
  remedy: string | null = null,
): Promise<MissingWorker | null> {
  const { live, stopped } = await pollersOf(session, queue);
  if (live.length > 0) return null;
  const [pid] = stopped;
  if (pid !== undefined) {
    const [found, wayOut] = standsStill(pid);
    return { found: `the worker of this machine, ${found}`, wayOut };
  }
  const user = userOf(queue);
  const wayOut =
    user === null
      ? (remedy ?? `start one with "${suggest('worker')}"`)
      : `start one as ${user}, with "lockkeeper worker --user-queue ${user}"`;
  return { found: `no worker polls the queue ${queue}`, wayOut };
}

/** The same in words. */
export async function workerProblem(
  session: Session,
  queue = COORDINATOR_QUEUE,
  remedy: string | null = null,
): Promise<string | null> {
  const missing = await missingWorker(session, queue, remedy);
  return missing === null ? null : `${missing.found}: ${missing.wayOut}`;
}

/** What brings a worker for an open run that nobody works on, beside starting one by hand; `null` when nothing does. */
export const workerBringer = (session: Session, run: string): string | null =>
  session.embedded ? `type "${suggest('watch', run)}", which brings one` : null;

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
export async function failingTask(session: Session, workflow: string, described: Described): Promise<string | null> {
  const attempt = described.pendingWorkflowTask?.attempt ?? 0;
  const cause = attempt < 2 ? null : await lastTaskFailure(session, workflow);
  if (cause === null) return null;
  return (
    `workflow task keeps failing (attempt ${attempt}): ${cause}. The worker is probably of another version than the run: ` +
    'start a worker of the version that started it, or end the run'
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

type PendingActivity = Pick<
  NonNullable<Described['pendingActivities']>[number],
  'attempt' | 'maximumAttempts' | 'lastFailure'
>;

/**
 * Says why a step of the run did not work the last time and that it is tried again: a full disk or a remote that does not
 * answer would else only be seen as silence. `null` when every step is at its first try.
 */
export async function retryProblem(activities: readonly PendingActivity[]): Promise<string | null> {
  const failing = activities.find((each) => (each.attempt ?? 0) > 1 && typeof each.lastFailure?.message === 'string');
  if (failing === undefined) return null;
  const most = await mostTries(failing);
  return `${oneLine(failing.lastFailure?.message ?? '', 300)} (tried again: attempt ${failing.attempt ?? 0}${most > 0 ? ` of ${most}` : ''})`;
}

/** How often a step is tried: as its policy says, or less where its failure says so. 0: without end. */
async function mostTries({ maximumAttempts, lastFailure }: PendingActivity): Promise<number> {
  const { defaultPayloadConverter } = await import('@temporalio/common');
  const [payload] = lastFailure?.applicationFailureInfo?.details?.payloads ?? [];
  const detail: unknown = payload === undefined ? null : defaultPayloadConverter.fromPayload(payload);
  const { tries } = typeof detail === 'object' && detail !== null ? (detail as Partial<TryLimit>) : {};
  const allowed = maximumAttempts ?? 0;
  if (typeof tries !== 'number') return allowed;
  return allowed === 0 ? tries : Math.min(allowed, tries);
}

/** The same of a run and of every workflow that works for it: each open one below it is asked for. */
export async function stepProblem(session: Session, described: Described): Promise<string | null> {
  const own = await retryProblem(described.pendingActivities ?? []);
  if (own !== null) return own;
  for (const { workflowId } of described.pendingChildren ?? []) {
    // One that ends at this moment has no trouble any more.
    const child = await session.client.workflow
      .getHandle(workflowId ?? '')
      .describe()
      .catch(() => null);
    const below = child === null ? null : await stepProblem(session, child.raw);
    if (below !== null) return below;
  }
  return null;
}
