import {
  ActivityCancellationType,
  ActivityFailure,
  TimeoutFailure,
  isCancellation,
  proxyActivities,
} from '@temporalio/workflow';
import type { AgentActivities } from '../model/activities.js';
import type { AttemptInput, AttemptResult } from '../model/autofix/attempt.js';
import { AGENT_QUEUE } from '../model/queues.js';
import { truncate } from '../model/text.js';
import { targetLabel } from '../model/verdict.js';
import { coordinator } from './activities.js';
import { ownQueue, workerCommand } from './own-queue.js';

/** Time beside the agent's own in which its folder is made and what it left is judged, in seconds. */
const AROUND = 3600;

/**
 * Lets an agent make one attempt, on a machine that serves agents. A worker that is restarted goes on with it or begins it
 * again; neither is another attempt. When no machine takes it within `waitSeconds`, that is its answer.
 */
export async function askAgent(input: AttemptInput, waitSeconds: number): Promise<AttemptResult> {
  const label = targetLabel(input.target);
  const { attemptFix } = proxyActivities<AgentActivities>({
    taskQueue: ownQueue(AGENT_QUEUE),
    activityId: `attempt ${input.attempt} at ${label}`,
    summary: truncate(`attempt ${input.attempt}: ${input.agent.command} mends ${label}`, 200),
    scheduleToStartTimeout: waitSeconds * 1000,
    startToCloseTimeout: (input.agent.timeoutSeconds + AROUND) * 1000,
    heartbeatTimeout: '5 seconds',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute', maximumAttempts: 50 },
  });
  for (;;) {
    try {
      return await attemptFix(input);
    } catch (error) {
      if (isCancellation(error) || !wasNotTaken(error)) throw error;
      // All its machines may have slept, or be busy with others.
      if ((await coordinator('look for workers with agents').countPollers({ queue: ownQueue(AGENT_QUEUE) })) > 0)
        continue;
      return nobody(waitSeconds);
    }
  }
}

const wasNotTaken = (error: unknown): boolean =>
  error instanceof ActivityFailure &&
  error.cause instanceof TimeoutFailure &&
  error.cause.timeoutType === 'SCHEDULE_TO_START';

const nobody = (waitSeconds: number): AttemptResult => ({
  kind: 'unusable',
  reason: `no worker serves agents, and none came within ${waitSeconds} seconds: start "${workerCommand()} --roles agent" where the agent is`,
  candidate: null,
  files: [],
  patch: '',
  seconds: 0,
  machine: '',
  logPath: '',
  sandboxed: false,
});
