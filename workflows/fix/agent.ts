import { ActivityFailure, TimeoutFailure, isCancellation, patched } from '@temporalio/workflow';
import type { AttemptInput, AttemptResult } from '../../model/autofix/attempt.js';
import { attemptActivityId } from '../../model/progress/progress.js';
import { AGENT_QUEUE } from '../../model/run/queues.js';
import { truncate } from '../../model/text/text.js';
import { targetLabel } from '../../model/targets/index.js';
import { coordinator } from '../calls/coordinator.js';
import { isForGood, rootCause } from '../calls/failures.js';
import { callAnywhere, lastingCalls, type LastingCall } from '../calls/lasting-calls.js';
import { ownQueue, workerCommand } from '../calls/own-queue.js';
import { UNNEEDED_TRIES, goOnWithout } from '../calls/unneeded.js';
import { stayWithMachine } from '../calls/stay-with-machine.js';

/** Time beside the agent's own in which its folder is made and what it left is judged, in seconds. */
const AROUND = 3600;

/**
 * Lets an agent make one attempt, on a machine that serves agents, and stays with the machine that has it. A worker that is
 * restarted goes on with it or begins it again; neither is another attempt. When no machine takes it within `waitSeconds`,
 * that is its answer.
 */
export async function askAgent(input: AttemptInput, waitSeconds: number): Promise<AttemptResult> {
  const label = targetLabel(input.target);
  const call: LastingCall<AttemptResult> = {
    queue: AGENT_QUEUE,
    activityId: (round) => attemptActivityId(input.attempt, label, round),
    summary: () => truncate(`attempt ${input.attempt}: ${input.agent.command} fixes ${label}`, 200),
    attemptMs: (input.agent.timeoutSeconds + AROUND) * 1000,
    waitMs: waitSeconds * 1000,
    anywhere: (activities) => activities.attemptFix(input),
  };
  const unlessTaken = async (error: unknown): Promise<AttemptResult | null> => {
    if (!wasNotTaken(error)) {
      // Runs that began before failed with it. replay-tested: 2026-11-28, test/replay/0.1.0
      if (isForGood(error) || !patched('attempts-that-fail-are-data')) throw error;
      return unusable(`the machine failed: ${rootCause(error).message}`);
    }
    // All its machines may have slept, or be busy with others.
    try {
      const agents = coordinator('find workers that run agents', UNNEEDED_TRIES);
      return (await agents.countPollers({ queue: ownQueue(AGENT_QUEUE) })) > 0
        ? null
        : nobody(NONE_SERVES, waitSeconds);
    } catch (failed) {
      goOnWithout('whether a worker runs agents', failed);
      return nobody(NOT_KNOWN, waitSeconds);
    }
  };
  // replay-tested: 2026-11-28, test/replay/0.1.0
  if (!patched('agents-stay-with-machine')) return await untilAnswered(() => callAnywhere(call, 1, []), unlessTaken);
  return await stayWithMachine<AttemptResult>({
    takeoverSeconds: input.takeoverSeconds,
    ...lastingCalls(call),
    otherwise: unlessTaken,
  });
}

/** How runs that began under 0.1.0 ask: whoever takes it. */
async function untilAnswered(
  ask: () => Promise<AttemptResult>,
  otherwise: (error: unknown) => Promise<AttemptResult | null>,
): Promise<AttemptResult> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (isCancellation(error)) throw error;
      const answer = await otherwise(error);
      if (answer !== null) return answer;
    }
  }
}

const wasNotTaken = (error: unknown): boolean =>
  error instanceof ActivityFailure &&
  error.cause instanceof TimeoutFailure &&
  error.cause.timeoutType === 'SCHEDULE_TO_START';

const NONE_SERVES = 'no worker serves agents, and none came';
const NOT_KNOWN = 'the server does not say whether a worker serves agents, and none took the attempt';

const nobody = (what: string, waitSeconds: number): AttemptResult =>
  unusable(`${what} within ${waitSeconds} seconds: start "${workerCommand()} --roles agent" where the agent is`);

const unusable = (reason: string): AttemptResult => ({
  kind: 'unusable',
  reason,
  candidate: null,
  files: [],
  patch: '',
  seconds: 0,
  machine: '',
  logPath: '',
  sandboxed: false,
});
