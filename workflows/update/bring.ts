import { patched } from '@temporalio/workflow';
import { CARRY_OVER_LIMIT } from '../../model/landing/index.js';
import { finalFailure } from '../../model/run/failures.js';
import { allOrCancel } from '../calls/all-or-cancel.js';
import { askApproval } from './ask-approval.js';
import { carryOver } from './carry-over.js';
import type { Update } from './commit-update.js';
import { learnCommits } from './commits.js';
import type { Ended } from './facts.js';
import { asksByRequest, followRequest, toFollow } from './follow-request.js';
import { keepNamedBack } from './keep-back.js';
import { land, type MainMoved } from './land.js';
import type { Run } from './run.js';
import { verifyAndRepair, type Verified } from './verify-and-repair.js';

/**
 * Brings an update to where it lands; verifies and asks again, a bounded number of times, when main has moved meanwhile, and each
 * time that an input is held back while the run asks.
 */
export async function bring(run: Run, update: Update): Promise<Ended> {
  const { options } = run;
  let proposed: Update | null = update;
  for (let carried = 0; proposed !== null && carried <= CARRY_OVER_LIMIT;) {
    const verified: Verified | Ended = await verifyAndTell(run, proposed);
    if ('outcome' in verified) return verified;
    const landed = await askAndLand(run, verified);
    if (landed === 'held-back') {
      proposed = await keepNamedBack(run, verified.update, run.holdBackRequests.take());
      continue;
    }
    if ('outcome' in landed) return landed;
    proposed = await carryOver(run, verified, landed);
    carried += 1;
  }
  if (proposed === null) return { outcome: 'unchanged' };
  throw finalFailure(
    'MainKeepsMoving',
    `${options.repository.mainBranch} moved ${CARRY_OVER_LIMIT + 1} times while this run was verifying: run it again when the branch is quieter, or land by branch`,
  );
}

/** Beside the verification, what the inputs bring is looked up. */
async function verifyAndTell(run: Run, update: Update): Promise<Verified | Ended> {
  // Runs of earlier versions did not. replay-tested: 2026-11-29, test/replay/0.1.0
  if (!patched('commits-are-told')) return verifyAndRepair(run, update);
  const [verified] = await allOrCancel(
    () => verifyAndRepair(run, update),
    () => learnCommits(run, update.lock),
  );
  return verified;
}

/**
 * Lands an update, and asks first where the run is to ask. A pull request is what is asked about itself, unless something in it may
 * only be verified, and so only be shown to others, once it is approved.
 */
async function askAndLand(run: Run, verified: Verified): Promise<Ended | MainMoved | 'held-back'> {
  if (!asksByRequest(run)) {
    const answer = await askApproval(run, verified);
    if (answer !== 'approved') return answer;
  }
  const landed = await land(run, verified);
  const proposed = 'outcome' in landed ? toFollow(run, landed) : null;
  return proposed === null ? landed : await followRequest(run, verified, proposed);
}
