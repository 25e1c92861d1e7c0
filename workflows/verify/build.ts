import { ActivityFailure, sleep } from '@temporalio/workflow';
import type { BuildTargetInput } from '../../model/contract/verification.js';
import { isFinal } from '../../model/run/failures.js';
import { INFRASTRUCTURE_BACKOFF } from '../../model/run/infrastructure.js';
import { buildActivityId } from '../../model/progress/progress.js';
import { buildQueue } from '../../model/run/queues.js';
import { targetLabel } from '../../model/targets/index.js';
import { verdictOf, type Verdict } from '../../model/verify/verdict.js';
import { lastingCalls } from '../calls/lasting-calls.js';
import { stayWithMachine } from '../calls/stay-with-machine.js';

/** Longest life of one attempt, in milliseconds. The build's own time limit (10 h by default) ends it before. */
export const ATTEMPT_LIMIT = 14 * 3600 * 1000;

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
  const { system } = input.evaluation;
  let faults = 0;
  return stayWithMachine<Verdict>({
    takeoverSeconds: input.takeoverSeconds,
    ...lastingCalls({
      queue: buildQueue(system),
      activityId: (round) => buildActivityId(label, round),
      summary: (isThere) => `${isThere ? 'attach to build' : 'build'} ${label} (${system})`,
      attemptMs: ATTEMPT_LIMIT,
      // The record on the builder's disk knows how far a build is: another attempt is another activity.
      isRetried: false,
      anywhere: (activities) => activities.buildTarget(input),
      there: (activities) => activities.attachBuild(input),
    }),
    held,
    otherwise: async (error) => {
      const reason = faultOf(error);
      const pause = INFRASTRUCTURE_BACKOFF[faults];
      if (pause === undefined)
        return verdictOf(input.target, 'build-failed', {
          system,
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

/** What a machine or its Nix failed by. @throws what no other attempt changes */
function faultOf(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (isFinal(cause)) throw error;
  return cause instanceof Error ? cause.message : String(cause);
}
