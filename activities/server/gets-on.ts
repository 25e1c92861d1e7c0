import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { openWorkflow } from './impostors.js';

type Raw = Pick<WorkflowExecutionDescription['raw'], 'pendingWorkflowTask' | 'pendingActivities'>;

/** Whether a workflow does what it is to do: nothing of it fails, and nothing that it waits for is older than a limit. */
export async function getsOn(
  client: Client,
  { raw }: WorkflowExecutionDescription,
  limitSeconds: number,
  now: number,
): Promise<boolean> {
  const since = now - limitSeconds * 1000;
  if (isStuck(raw, since)) return false;
  for (const { workflowId } of raw.pendingChildren ?? []) {
    const child = await openWorkflow(client, workflowId ?? '');
    if (child !== null && (child.startTime.getTime() < since || isStuck(child.raw, since))) return false;
  }
  return true;
}

/**
 * Whether a task of a workflow fails, or something that is to be done for it has been waiting for too long.
 * @param since what began before is late: milliseconds since 1970
 */
export function isStuck({ pendingWorkflowTask: task, pendingActivities }: Raw, since: number): boolean {
  if ((task?.attempt ?? 0) > 1) return true;
  const times = [
    task?.originalScheduledTime ?? task?.scheduledTime,
    ...(pendingActivities ?? []).map(({ scheduledTime }) => scheduledTime),
  ];
  return times.some((time) => time?.seconds != null && Number(time.seconds) * 1000 < since);
}
