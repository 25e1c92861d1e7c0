import { isCancellation } from '@temporalio/workflow';
import type { FollowInput, RequestState } from '../../model/contract/requests.js';
import { mergingWords, otherBaseWords } from '../../model/forge/merging.js';
import type { Landed, ReportedRequest } from '../../model/report/data.js';
import type { ApprovalPolicy, ForgeOptions } from '../../model/run/options.js';
import { forgeCall } from '../calls/coordinator.js';
import { rootCause } from '../calls/failures.js';
import { growingPause } from '../calls/growing-pause.js';
import type { Answer } from './approval.js';
import { hasAnswers } from './requests.js';
import type { Run } from './run.js';
import type { Verified } from './verify-and-repair.js';

const LEAST_PAUSE_MS = 5000;

/** A request that is open, and the forge that has it. */
export interface Proposed {
  readonly landed: Landed;
  readonly request: ReportedRequest;
  readonly forge: ForgeOptions;
}

export const checkRequest = (
  { options: { repository } }: Run,
  { candidate }: Verified,
  { landed: { ref, commit }, request: { number }, forge }: Proposed,
  what: Pick<FollowInput, 'merge' | 'mergeMethod' | 'answers' | 'laterThan'>,
): Promise<RequestState> =>
  forgeCall(`check pull request #${number}`).followRequest({
    ...{ repository, forge, number, branch: ref, commit, candidate },
    ...what,
  });

export const closedDecision = (
  { by }: Extract<RequestState, { readonly kind: 'closed' }>,
  { candidate }: Verified,
  { number }: ReportedRequest,
) => ({ decision: 'rejected' as const, by, commit: candidate.head, comment: `by closing pull request #${number}` });

/** A request whose branch holds something else by now, or that is about another branch than main. */
export const overtaken = (
  landed: Landed,
  { head, into, merged }: Extract<RequestState, { readonly kind: 'moved' }>,
): Landed => ({
  ...landed,
  notMerged:
    into !== undefined
      ? otherBaseWords(into, merged)
      : head === null
        ? 'its branch is gone'
        : `somebody has pushed commit ${head.slice(0, 12)} onto its branch`,
});

/** Looks for an answer on the forge until there is one, with growing pauses. */
export async function listen(
  run: Run,
  verified: Verified,
  proposed: Proposed,
  { deadlineSeconds }: ApprovalPolicy,
): Promise<void> {
  const { said } = run.state.facts();
  const answers = hasAnswers(run.options) ? { answers: true as const, ...(said && { laterThan: said }) } : {};
  const wholeMs = deadlineSeconds * 1000;
  const start = Date.now();
  // Every look is in the history, and a bundle may be large: what is looked at here needs none.
  const light = { ...verified, candidate: { ...verified.candidate, bundle: '' } };
  for (;;) {
    const pause = growingPause(Date.now() - start, wholeMs, LEAST_PAUSE_MS);
    if (await run.approval.answeredWithin(pause, run.nudge.isThere)) return;
    run.nudge.clear();
    try {
      const seen = await checkRequest(run, light, proposed, { merge: 'never', ...answers });
      const answer = answerOf(seen, verified, proposed);
      if (answer !== null) run.approval.answer(answer);
      else if (seen.kind === 'open' && seen.waitsFor !== null) run.approval.note(seen.waitsFor);
    } catch (error) {
      if (isCancellation(error)) throw error;
      // Commands still answer, and a token may come back.
      run.approval.note(`the forge was not asked: ${rootCause(error).message}`);
    }
  }
}

function answerOf(seen: RequestState, verified: Verified, { request, landed }: Proposed): Answer | null {
  const { head: commit } = verified.candidate;
  switch (seen.kind) {
    case 'merged':
      return { decision: 'approved', by: seen.by, commit, comment: mergingWords(request.number, seen) };
    case 'approved':
      return { decision: 'approved', by: seen.by, commit, comment: seen.comment };
    case 'closed':
      return closedDecision(seen, verified, request);
    case 'moved':
      return { decision: 'overtaken', landed: overtaken(landed, seen) };
    case 'open':
    case 'main-moved':
      return null;
  }
}

/** How the forge is a way to answer, as a clause. */
export const forgeAnswers = ({ options }: Run, { request, landed }: Proposed): string =>
  `or merge or close pull request #${request.number}` +
  (!hasAnswers(options) ? '' : `, approve it in a review, or comment "/approve ${landed.commit}"`);
