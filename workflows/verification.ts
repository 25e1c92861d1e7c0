import { ChildWorkflowCancellationType, ParentClosePolicy, startChild } from '@temporalio/workflow';
import type { Candidate } from '../model/candidate.js';
import { TARGETS_PER_VERIFICATION } from '../model/verify.js';
import type { ProbeKnowledge, VerifyResult, VerifySetting } from '../model/verify.js';
import type { Target } from '../model/verdict.js';
import { verifyCandidate } from './verify-candidate.js';

interface Verification {
  /** Names the children, together with the candidate's head. */
  readonly label: string;
  readonly candidate: Candidate;
  readonly targets: readonly Target[];
  readonly probe?: ProbeKnowledge;
  /** Told the ids of the children, as they begin. */
  readonly started?: (children: readonly string[]) => void;
}

/** Verifies a candidate in as many children as its targets need; they run side by side. */
export async function verifyInChildren(
  { run, repository, nix, takeoverSeconds, builderWaitSeconds }: VerifySetting,
  { label, candidate, targets, probe, started }: Verification,
): Promise<VerifyResult> {
  const head = candidate.head.slice(0, 12);
  const running = [];
  const children: string[] = [];
  // One after the other: each start carries the bundle, and what one workflow task schedules has a limit.
  for (let first = 0; first < targets.length; first += TARGETS_PER_VERIFICATION) {
    const number = first / TARGETS_PER_VERIFICATION + 1;
    const child = await startChild(verifyCandidate, {
      workflowId: `${run}-${label}-${head}-${number}`,
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      staticSummary: `${label} ${head} for ${run}`,
      args: [
        {
          run,
          repository,
          candidate,
          targets: targets.slice(first, first + TARGETS_PER_VERIFICATION),
          nix,
          takeoverSeconds,
          builderWaitSeconds,
          ...(probe === undefined ? {} : { probe }),
        },
      ],
    });
    children.push(child.workflowId);
    running.push(child.result());
    started?.([...children]);
  }
  const results = await Promise.all(running);
  return {
    verdicts: results.flatMap(({ verdicts }) => verdicts),
    machines: [...new Set(results.flatMap(({ machines }) => machines))].sort(),
  };
}
