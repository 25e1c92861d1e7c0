import { ChildWorkflowCancellationType, ParentClosePolicy, startChild, workflowInfo } from '@temporalio/workflow';
import type { Candidate } from '../model/candidate.js';
import type { RunOptions } from '../model/run.js';
import { TARGETS_PER_VERIFICATION } from '../model/verify.js';
import type { Target, Verdict } from '../model/verdict.js';
import type { RunState } from './run-state.js';
import { verifyCandidate } from './verify-candidate.js';

export interface Verification {
  readonly verdicts: readonly Verdict[];
  readonly machines: readonly string[];
}

/** Verifies a candidate in as many children as its targets need; they run side by side. */
export async function verify(
  options: RunOptions,
  state: RunState,
  candidate: Candidate,
  targets: readonly Target[],
): Promise<Verification> {
  const { workflowId } = workflowInfo();
  state.phase('verifying');
  state.targets(targets);
  const running = [];
  const children: string[] = [];
  // One after the other: each start carries the bundle, and what one workflow task schedules has a limit.
  for (let first = 0; first < targets.length; first += TARGETS_PER_VERIFICATION) {
    const number = first / TARGETS_PER_VERIFICATION + 1;
    const child = await startChild(verifyCandidate, {
      workflowId: `${workflowId}-verify-${candidate.head.slice(0, 12)}-${number}`,
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      staticSummary: `verify ${candidate.head.slice(0, 12)} for ${workflowId}`,
      args: [
        {
          run: workflowId,
          repository: options.repository,
          candidate,
          targets: targets.slice(first, first + TARGETS_PER_VERIFICATION),
          nix: options.nix,
          takeoverSeconds: options.takeoverSeconds,
          builderWaitSeconds: options.builderWaitSeconds,
        },
      ],
    });
    children.push(child.workflowId);
    running.push(child.result());
    state.set({ children: [...children] });
  }
  const results = await Promise.all(running);
  state.set({ children: [] });
  return {
    verdicts: results.flatMap((result) => result.verdicts),
    machines: [...new Set(results.flatMap((result) => result.machines))].sort(),
  };
}
