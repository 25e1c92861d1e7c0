import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  TimeoutFailure,
  isCancellation,
  proxyActivities,
  sleep,
} from '@temporalio/workflow';
import type { BuildHeartbeat, BuildTargetInput, BuilderActivities, MachineActivities } from '../model/activities.js';
import { INFRASTRUCTURE_BACKOFF } from '../model/infrastructure.js';
import { buildActivityId } from '../model/progress.js';
import { buildQueue, machineQueue } from '../model/queues.js';
import { failedVerdict } from '../model/verify.js';
import { targetLabel } from '../model/verdict.js';
import type { Verdict } from '../model/verdict.js';
import { ownQueue } from './own-queue.js';

/** Longest life of one attempt. The build's own time limit (10 h by default) ends it before. */
const ATTEMPT_LIMIT = '14 hours';

/** Told what a build waits for, and `null` when it goes on. */
export type TellWait = (waitsFor: string | null) => Promise<void>;

/**
 * Builds one evaluated target, wherever a builder has a free slot, and stays with the build when its worker is lost: a
 * build outlives its worker, so the machine that runs it is asked first, and only when it does not come back within the
 * takeover time does the build go to the shared queue again.
 */
export async function build(input: BuildTargetInput, wait: TellWait): Promise<Verdict> {
  const label = targetLabel(input.target);
  let machine: string | null = null;
  let faults = 0;
  for (let round = 1; ; round++) {
    try {
      return machine === null ? await onAnyBuilder(input, round) : await onMachine(input, machine, round);
    } catch (error) {
      if (isCancellation(error)) throw error;
      const lost = whatHappened(error);
      if (lost.kind === 'fault') {
        const pause = INFRASTRUCTURE_BACKOFF[faults];
        if (pause === undefined)
          return failedVerdict(
            input.target,
            'build-failed',
            `the machine failed: ${lost.reason}`,
            input.evaluation.system,
          );
        faults += 1;
        await wait(`is tried again in ${pause} s: ${lost.reason}`);
        await sleep(pause * 1000, { summary: `${label}: ${lost.reason}`.slice(0, 200) });
        await wait(null);
        machine = null;
      } else {
        machine = lost.machine;
      }
    }
  }
}

function onAnyBuilder(input: BuildTargetInput, round: number): Promise<Verdict> {
  const label = targetLabel(input.target);
  const { buildTarget } = proxyActivities<BuilderActivities>({
    taskQueue: ownQueue(buildQueue(input.evaluation.system)),
    activityId: buildActivityId(label, round),
    summary: `build ${label} (${input.evaluation.system})`,
    ...ONE_ATTEMPT,
    startToCloseTimeout: ATTEMPT_LIMIT,
    retry: { maximumAttempts: 1 },
  });
  return buildTarget(input);
}

function onMachine(input: BuildTargetInput, machine: string, round: number): Promise<Verdict> {
  const label = targetLabel(input.target);
  const { attachBuild } = proxyActivities<MachineActivities>({
    taskQueue: ownQueue(machineQueue(machine)),
    activityId: buildActivityId(label, round),
    summary: `attach to build ${label} (${input.evaluation.system})`,
    ...ONE_ATTEMPT,
    scheduleToStartTimeout: input.takeoverSeconds * 1000,
    startToCloseTimeout: ATTEMPT_LIMIT,
    retry: { maximumAttempts: 1 },
  });
  return attachBuild(input);
}

/** The record on the builder's disk knows how far a build is, not the server: another attempt is another activity. */
const ONE_ATTEMPT = {
  heartbeatTimeout: '5 seconds',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
} as const;

type Lost =
  { readonly kind: 'lost'; readonly machine: string | null } | { readonly kind: 'fault'; readonly reason: string };

/** Tells a lost worker (whose build may well live on) from a fault of the machine or its Nix. */
function whatHappened(error: unknown): Lost {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof TimeoutFailure) {
    // After `ATTEMPT_LIMIT` the build itself goes on.
    if (cause.timeoutType === 'HEARTBEAT' || cause.timeoutType === 'START_TO_CLOSE') {
      const details = cause.lastHeartbeatDetails as BuildHeartbeat | undefined;
      return { kind: 'lost', machine: details?.machine ?? null };
    }
    if (cause.timeoutType === 'SCHEDULE_TO_START') return { kind: 'lost', machine: null };
  }
  if (cause instanceof ApplicationFailure && (cause.type === 'WorkerRestarted' || cause.type === 'WorkerStopped')) {
    const details = cause.details?.[0] as { readonly machine?: string } | undefined;
    return { kind: 'lost', machine: details?.machine ?? null };
  }
  if (cause instanceof ApplicationFailure && cause.nonRetryable === true) throw error;
  return { kind: 'fault', reason: cause instanceof Error ? cause.message : String(cause) };
}
