import { setTimeout as sleep } from 'node:timers/promises';
import { Context, activityInfo, cancellationDetails, cancellationSignal } from '@temporalio/activity';
import { ActivityCancelledError, ActivityNotFoundError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { IllegalStateError, defaultPayloadConverter } from '@temporalio/common';
import { passingFailure } from '../../model/run/failures.js';

const ANSWER_MS = 5000;
const PAUSE_MS = 1000;

/**
 * Waits until the server has heard of this attempt, and on which machine it is: from then on a lost one is looked for there. A
 * task that a dead connection brings late is somebody else's by now, and begins nothing.
 * @param details of its first heartbeat
 * @throws when the attempt is over for the server
 */
export async function confirmAttempt(details: { readonly machine: string }): Promise<void> {
  const client = ownClient();
  if (client === null) return;
  for (;;) {
    cancellationSignal().throwIfAborted();
    try {
      await client.withDeadline(Date.now() + ANSWER_MS, () =>
        client.activity.heartbeat(activityInfo().taskToken, details),
      );
      return;
    } catch (error) {
      // The cancellation comes by itself.
      if (error instanceof ActivityCancelledError) return;
      if (error instanceof ActivityNotFoundError)
        throw passingFailure('AttemptGivenUp', 'The server gave this attempt up before it began.');
      await sleep(PAUSE_MS, undefined, { signal: cancellationSignal() }).catch(() => undefined);
    }
  }
}

/**
 * Whether what this attempt followed is of no use any more: a cancellation was asked for, or the server gave the attempt up
 * (this machine could not be reached for too long) and another machine does the same by now, or its workflow is over.
 */
export async function isUnwanted(machine: string): Promise<boolean> {
  const why = cancellationDetails();
  if (why?.cancelRequested === true) return true;
  if (why?.notFound !== true) return false;
  const client = ownClient();
  if (client === null) return false;
  try {
    return await client.withDeadline(Date.now() + ANSWER_MS, () => isDoneElsewhere(client, machine));
  } catch (error) {
    // Its lease ends it where the server cannot be asked.
    return error instanceof WorkflowNotFoundError;
  }
}

async function isDoneElsewhere(client: Client, machine: string): Promise<boolean> {
  const { workflowExecution, activityId } = activityInfo();
  if (workflowExecution === undefined) return false;
  const handle = client.workflow.getHandle(workflowExecution.workflowId, workflowExecution.runId);
  const { status, raw } = await handle.describe();
  if (status.name !== 'RUNNING' && status.name !== 'PAUSED') return true;
  const work = withoutRound(activityId);
  return (raw.pendingActivities ?? [])
    .filter((other) => withoutRound(other.activityId ?? '') === work)
    .some(({ heartbeatDetails }) => {
      const [payload] = heartbeatDetails?.payloads ?? [];
      const details: unknown = payload === undefined ? null : defaultPayloadConverter.fromPayload(payload);
      return typeof details === 'object' && details !== null && 'machine' in details && details.machine !== machine;
    });
}

/** Each time that lasting work changes hands it is another activity, whose id has another number. */
const withoutRound = (activityId: string): string => activityId.replace(/ #\d+$/, '');

/** `null` where there is no server, as in tests of an activity alone. */
function ownClient(): Client | null {
  try {
    return Context.current().client;
  } catch (error) {
    if (error instanceof IllegalStateError) return null;
    throw error;
  }
}
