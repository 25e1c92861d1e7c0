import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { GateActivities } from '../model/activities.js';
import { buildActivityId } from '../model/progress.js';
import { GATE_QUEUE } from '../model/queues.js';
import type { VerifyInput } from '../model/verify.js';
import { targetLabel } from '../model/verdict.js';
import type { GateTarget, Verdict } from '../model/verdict.js';
import { ownQueue } from './own-queue.js';

/** Time beside the command's own in which its work tree is made, in seconds. */
const AROUND = 3600;

/** Runs a gate on a candidate, on whichever builder takes it. A worker that is restarted goes on with it. */
export function runGate(input: VerifyInput, gate: GateTarget): Promise<Verdict> {
  const { run, repository, candidate, nix, takeoverSeconds } = input;
  const activities = proxyActivities<GateActivities>({
    taskQueue: ownQueue(GATE_QUEUE),
    // Read as that of a build by who shows how far it is.
    activityId: buildActivityId(targetLabel(gate), 1),
    summary: `gate ${gate.name}`,
    startToCloseTimeout: (gate.timeoutSeconds + AROUND) * 1000,
    heartbeatTimeout: '5 seconds',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute', maximumAttempts: 50 },
  });
  return activities.runGate({ run, repository, candidate, gate, nix, takeoverSeconds });
}
