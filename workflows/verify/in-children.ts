import { ChildWorkflowCancellationType, ParentClosePolicy, patched, startChild } from '@temporalio/workflow';
import { verificationId } from '../../model/run/ids.js';
import type { Candidate } from '../../model/verify/candidate.js';
import type { NixSettings } from '../../model/run/options.js';
import { TARGETS_PER_VERIFICATION, targetsPerVerification } from '../../model/verify/verification.js';
import type { ProbeKnowledge, VerifyResult, VerifySetting } from '../../model/verify/verification.js';
import type { Target } from '../../model/targets/index.js';
import type { Verdict } from '../../model/verify/verdict.js';
import { verifyCandidate } from '../verify-candidate.js';

export interface Verification {
  /** Names the children, together with the candidate's head. */
  readonly label: string;
  readonly candidate: Candidate;
  readonly targets: readonly Target[];
  readonly probe?: ProbeKnowledge;
  /** Whether a person has approved the candidate. */
  readonly approved?: true;
  /** Told the ids of the children, as they begin. */
  readonly started?: (children: readonly string[]) => void;
  /** Told the verdicts of each child, as it ends. */
  readonly over?: (verdicts: readonly Verdict[]) => void;
}

/** Runs that began before large bundles were split further go on as they began. */
function targetsOfAChild(candidate: Candidate, nix: NixSettings, targets: number): number {
  const most = targetsPerVerification({ candidate, nix });
  if (most >= Math.min(targets, TARGETS_PER_VERIFICATION)) return TARGETS_PER_VERIFICATION;
  // replay-tested: 2026-11-25, test/replay/0.1.0
  return patched('targets-by-bundle-size') ? most : TARGETS_PER_VERIFICATION;
}

/** Verifies a candidate in as many children as its targets need; they run side by side. */
export async function verifyInChildren(
  { run, repository, nix, takeoverSeconds, builderWaitSeconds, keepClosures, agentRights }: VerifySetting,
  { label, candidate, targets, probe, approved, started, over }: Verification,
): Promise<VerifyResult> {
  const head = candidate.head.slice(0, 12);
  const running = [];
  const children: string[] = [];
  const most = targetsOfAChild(candidate, nix, targets.length);
  // One after the other: each start carries the bundle, and what one workflow task schedules has a limit.
  for (let first = 0; first < targets.length; first += most) {
    const number = first / most + 1;
    const child = await startChild(verifyCandidate, {
      workflowId: verificationId(run, label, candidate.head, number),
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      staticSummary: `${label} ${head} for ${run}`,
      args: [
        {
          run,
          repository,
          candidate,
          targets: targets.slice(first, first + most),
          nix,
          takeoverSeconds,
          builderWaitSeconds,
          ...(keepClosures === undefined || probe !== undefined ? {} : { keepClosures }),
          ...(agentRights === undefined ? {} : { agentRights }),
          ...(probe === undefined ? {} : { probe }),
          ...(approved === undefined ? {} : { approved }),
        },
      ],
    });
    children.push(child.workflowId);
    const verdictsOf = async (): Promise<VerifyResult> => {
      const result = await child.result();
      over?.(result.verdicts);
      return result;
    };
    const own = verdictsOf();
    // One that fails while the next ones start is told when all are waited for.
    own.catch(() => undefined);
    running.push(own);
    started?.([...children]);
  }
  const results = await Promise.all(running);
  return {
    verdicts: results.flatMap(({ verdicts }) => verdicts),
    machines: [...new Set(results.flatMap(({ machines }) => machines))].sort(),
  };
}
