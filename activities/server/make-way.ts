import { Context } from '@temporalio/activity';
import {
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import type { CoordinatorActivities } from '../../model/contract/activities.js';
import { holderOf, memoText, openWorkflow } from './impostors.js';
import { GIVE_WAY, giveWayId, isNewer, type GiveWayRequest, type RunStart } from '../../model/run/messages.js';

/** A run that does not answer for so long does not give way now; it is asked again. */
const ANSWER_MS = 10_000;

/**
 * Makes way for a run of an instance whose newer runs supersede older ones. Safe to repeat: a run gives way once to the same one,
 * and one that refuses leaves nothing in its history.
 */
export const makeWay: CoordinatorActivities['makeWay'] = async ({ run, instance, lockWorkflowId }) => {
  const { client } = Context.current();
  const own = await client.workflow.getHandle(run).describe();
  const newer = await newestRun(client, own, { instance, lockWorkflowId });
  if (newer !== null) return { kind: 'superseded', by: newer };
  const holder = await holderOf(client, lockWorkflowId, run);
  if (holder === null || holder === run) return { kind: 'ours', holder: null, sameInstance: false, givesWay: false };
  const sameInstance = memoText(await openWorkflow(client, holder), 'instance') === instance;
  const request = { run, instance, startedAt: own.startTime.toISOString() };
  return { kind: 'ours', holder, sameInstance, givesWay: sameInstance && (await asked(client, holder, request)) };
};

/** The newest open run of the instance, if that is a newer one. The server lists a new run a moment later; then it is asked. */
async function newestRun(
  client: Client,
  own: WorkflowExecutionDescription,
  { instance, lockWorkflowId }: { readonly instance: string; readonly lockWorkflowId: string },
): Promise<string | null> {
  let newest: RunStart = own;
  const query = 'WorkflowType = "updateFlake" AND ExecutionStatus = "Running"';
  for await (const other of client.workflow.list({ query, pageSize: 200 })) {
    const isOurs = other.memo?.instance === instance && other.memo.repositoryLock === lockWorkflowId;
    // On another queue nobody does it.
    if (isOurs && other.taskQueue === own.taskQueue && isNewer(other, newest)) newest = other;
  }
  return newest.workflowId === own.workflowId ? null : newest.workflowId;
}

async function asked(client: Client, holder: string, request: GiveWayRequest): Promise<boolean> {
  try {
    await client.withDeadline(Date.now() + ANSWER_MS, () =>
      client.workflow
        .getHandle(holder)
        .executeUpdate<string, [GiveWayRequest]>(GIVE_WAY, { updateId: giveWayId(request.run), args: [request] }),
    );
    return true;
  } catch (error) {
    const isNo =
      error instanceof WorkflowUpdateFailedError ||
      error instanceof WorkflowUpdateRPCTimeoutOrCancelledError ||
      error instanceof WorkflowNotFoundError;
    if (isNo) return false;
    throw error;
  }
}
