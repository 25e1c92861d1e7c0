import { ActivityFailure, ApplicationFailure, proxyActivities, sleep } from '@temporalio/workflow';
import type { BuildTargetInput, BuilderActivities, MachineActivities } from '../../model/contract/activities.js';
import { INFRASTRUCTURE_BACKOFF } from '../../model/run/infrastructure.js';
import { buildActivityId } from '../../model/run/progress.js';
import { buildQueue, machineQueue } from '../../model/run/queues.js';
import { targetLabel, verdictOf } from '../../model/verify/verdict.js';
import type { Verdict } from '../../model/verify/verdict.js';
import { ownQueue } from '../calls/own-queue.js';
import { FOLLOWED, stayWithMachine } from '../calls/stay-with-machine.js';

/** Longest life of one attempt. The build's own time limit (10 h by default) ends it before. */
const ATTEMPT_LIMIT = '14 hours';

/** Who is told how a build is, beside its verdict. */
export interface Listener {
  /** Told what it waits for, and `null` when it goes on. */
  readonly wait: (waitsFor: string | null) => Promise<void>;
  /** Told whether a machine has it, and no other one may take it. */
  readonly held: (isHeld: boolean) => void;
}

/**
 * Builds one evaluated target, wherever a builder has a free slot, and stays with the build when its worker is lost: a
 * build outlives its worker, so the machine that runs it is asked first, and only when it does not come back within the
 * takeover time does the build go to the shared queue again.
 */
export function build(input: BuildTargetInput, { wait, held }: Listener): Promise<Verdict> {
  const label = targetLabel(input.target);
  let faults = 0;
  return stayWithMachine<Verdict>({
    takeoverSeconds: input.takeoverSeconds,
    anywhere: (round) => onAnyBuilder(input, round),
    there: (machine, withinMs, round) => onMachine(input, machine, { withinMs, round }),
    held,
    otherwise: async (error) => {
      const reason = faultOf(error);
      const pause = INFRASTRUCTURE_BACKOFF[faults];
      if (pause === undefined)
        return verdictOf(input.target, 'build-failed', {
          system: input.evaluation.system,
          error: `the machine failed: ${reason}`,
        });
      faults += 1;
      await wait(`is tried again in ${pause} s: ${reason}`);
      await sleep(pause * 1000, { summary: `${label}: ${reason}`.slice(0, 200) });
      await wait(null);
      return null;
    },
  });
}

function onAnyBuilder(input: BuildTargetInput, round: number): Promise<Verdict> {
  const label = targetLabel(input.target);
  const { buildTarget } = proxyActivities<BuilderActivities>({
    taskQueue: ownQueue(buildQueue(input.evaluation.system)),
    activityId: buildActivityId(label, round),
    summary: `build ${label} (${input.evaluation.system})`,
    ...FOLLOWED,
    startToCloseTimeout: ATTEMPT_LIMIT,
    // The record on the builder's disk knows how far a build is: another attempt is another activity.
    retry: { maximumAttempts: 1 },
  });
  return buildTarget(input);
}

function onMachine(
  input: BuildTargetInput,
  machine: string,
  { withinMs, round }: { readonly withinMs: number; readonly round: number },
): Promise<Verdict> {
  const label = targetLabel(input.target);
  const { attachBuild } = proxyActivities<MachineActivities>({
    taskQueue: ownQueue(machineQueue(machine)),
    activityId: buildActivityId(label, round),
    summary: `attach to build ${label} (${input.evaluation.system})`,
    ...FOLLOWED,
    scheduleToStartTimeout: withinMs,
    startToCloseTimeout: ATTEMPT_LIMIT,
    retry: { maximumAttempts: 1 },
  });
  return attachBuild(input);
}

/**
 * What a machine or its Nix failed by.
 * @throws what no other attempt changes
 */
function faultOf(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure && cause.nonRetryable === true) throw error;
  return cause instanceof Error ? cause.message : String(cause);
}
