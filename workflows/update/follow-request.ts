import { isCancellation } from '@temporalio/workflow';
import type { RequestState } from '../../model/contract/requests.js';
import { rootCause } from '../calls/failures.js';
import { growingPause } from '../calls/growing-pause.js';
import { askApproval } from './ask-approval.js';
import type { Ended } from './facts.js';
import type { MainMoved } from './land.js';
import { checkRequest, closedDecision, overtaken, type Proposed } from './listen.js';
import type { Run } from './run.js';
import { unapproved, type Verified } from './verify-and-repair.js';

/** The forge may have to look at the commit first. */
const LEAST_PAUSE_MS = 1000;

/** Whether a run asks about its pull request once that is open. */
export const asksByRequest = (run: Run): boolean => run.options.forge?.follows === true && unapproved(run).length === 0;

/** The request of an update that was proposed, where the run has to do with what becomes of it. */
export function toFollow({ options }: Run, ended: Ended): Proposed | null {
  const { landing, forge, approval } = options;
  const { landed } = ended;
  if (forge?.follows !== true || landed?.request === undefined) return null;
  return (landing.merge ?? 'never') === 'never' && approval === null
    ? null
    : { landed, request: landed.request, forge };
}

/**
 * Asks about a request that is open, where the run is to ask, and merges it, where it is to merge.
 * @returns `held-back` when an input was held back instead of an answer; that main moved, if that was before it could be merged
 */
export async function followRequest(
  run: Run,
  verified: Verified,
  proposed: Proposed,
): Promise<Ended | 'held-back' | MainMoved> {
  const { landed } = proposed;
  run.state.learn({ landed });
  const answer = await askApproval(run, verified, proposed);
  if (answer === 'held-back') return answer;
  if (answer !== 'approved') return { landed, ...answer };
  run.state.phase('landing');
  try {
    return await untilMerged(run, verified, proposed);
  } catch (error) {
    if (isCancellation(error)) throw error;
    // The request is open, and a person can merge it.
    return { outcome: 'landed', landed: { ...landed, notMerged: rootCause(error).message } };
  }
}

async function untilMerged(run: Run, verified: Verified, proposed: Proposed): Promise<Ended | MainMoved> {
  const { state, options, nudge } = run;
  const { merge = 'never', mergeMethod, mergeWaitSeconds = 0 } = options.landing;
  const { landed, request } = proposed;
  const isLeft = (why: string): Ended => ({ outcome: 'landed', landed: { ...landed, notMerged: why } });
  const wholeMs = mergeWaitSeconds * 1000;
  for (const start = Date.now(); ;) {
    const seen = await checkRequest(run, verified, proposed, { merge, ...(mergeMethod && { mergeMethod }) });
    switch (seen.kind) {
      case 'main-moved':
        return seen;
      case 'merged':
        return { outcome: 'landed', landed: { ...landed, merged: mergedOf(seen) } };
      case 'closed':
        return { outcome: 'rejected', landed, approval: closedDecision(seen, verified, request) };
      case 'moved':
        return { outcome: 'landed', landed: overtaken(landed, seen) };
      case 'approved':
      case 'open':
    }
    if (merge === 'never') return { outcome: 'landed', landed };
    const waitsFor = seen.kind === 'open' ? (seen.waitsFor ?? 'the forge') : 'the forge';
    const elapsed = Date.now() - start;
    if (elapsed >= wholeMs) return isLeft(`it still waits for ${waitsFor}`);
    state.phase('landing', `pull request #${request.number} to be merged, which waits for ${waitsFor}`);
    await nudge.pause(Math.min(growingPause(elapsed, wholeMs, LEAST_PAUSE_MS), wholeMs - elapsed), 'wait for a merge');
  }
}

const mergedOf = ({ by, commit, asVerified }: Extract<RequestState, { readonly kind: 'merged' }>) => ({
  ...{ by, commit, asVerified },
});
