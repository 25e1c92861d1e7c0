import { patched } from '@temporalio/workflow';
import { buildActivityId } from '../../model/progress/progress.js';
import { GATE_QUEUE } from '../../model/run/queues.js';
import type { VerifyInput } from '../../model/verify/verification.js';
import { targetLabel, type CommandTarget } from '../../model/targets/index.js';
import { verdictOf, type Verdict } from '../../model/verify/verdict.js';
import { distrustOf } from '../../model/verify/distrust.js';
import type { Listener } from './build.js';
import { isForGood, rootCause } from '../calls/failures.js';
import { callAnywhere, lastingCalls, type LastingCall } from '../calls/lasting-calls.js';
import { stayWithMachine } from '../calls/stay-with-machine.js';

/** Time beside the command's own in which its work tree is made, in seconds. */
const AROUND = 3600;

/** Runs a gate on any builder, and stays with the machine that has it, whose worker goes on with it after a restart. */
export function runGate(input: VerifyInput, gate: CommandTarget, { held }: Pick<Listener, 'held'>): Promise<Verdict> {
  const { run, repository, candidate, nix, takeoverSeconds } = input;
  const asked = {
    ...{ run, repository, candidate, gate, nix, takeoverSeconds },
    ...distrustOf(input),
  };
  const call: LastingCall<Verdict> = {
    queue: GATE_QUEUE,
    // Read as that of a build by who shows how far it is.
    activityId: (round) => buildActivityId(targetLabel(gate), round),
    summary: () => `gate ${gate.name}`,
    attemptMs: (gate.timeoutSeconds + AROUND) * 1000,
    anywhere: (activities) => activities.runGate(asked),
  };
  // replay-tested: 2026-11-28, test/replay/0.1.0
  if (!patched('gates-stay-with-machine')) return callAnywhere(call, 1, []);
  return stayWithMachine<Verdict>({
    takeoverSeconds,
    ...lastingCalls(call),
    held,
    otherwise: (error) => {
      // Runs that began before failed with it. replay-tested: 2026-11-28, test/replay/0.1.0
      if (isForGood(error) || !patched('gates-that-fail-are-data')) throw error;
      const reason = `the machine failed: ${rootCause(error).message}`;
      return Promise.resolve(verdictOf(gate, 'build-failed', { error: reason }));
    },
  });
}
