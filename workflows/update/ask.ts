import { CancellationScope, isCancellation } from '@temporalio/workflow';
import type { ApprovalDecision } from '../../model/report/data.js';
import type { ApprovalPolicy } from '../../model/run/options.js';
import { allOrCancel } from '../calls/all-or-cancel.js';
import type { Answer, Question } from './approval.js';
import { tell } from './ending.js';
import type { Ended } from './facts.js';
import type { Run } from './run.js';

/** A person's decision; `null` when an input was held back instead. @param listen looks for an answer elsewhere */
export const ask = (run: Run, question: Question, policy: ApprovalPolicy, listen?: () => Promise<void>) =>
  run.holdBackRequests.unlessAsked(async () => {
    const telling = async (event: 'waiting' | 'reminder'): Promise<void> => {
      run.state.learn(await tell(run, event));
    };
    const listening = new CancellationScope();
    const decided = run.approval
      .decide(question, policy, () => telling('reminder'))
      .finally(() => {
        listening.cancel();
      });
    const [decision] = await allOrCancel(
      () => decided,
      () => telling('waiting'),
      () => (listen === undefined ? Promise.resolve() : untilCancelled(listening, listen)),
    );
    return decision;
  });

/** An approval, or how a run ends whose question was answered in any other way. */
export function approvalOr(answer: Answer): ApprovalDecision | Ended {
  switch (answer.decision) {
    case 'approved':
      return answer;
    case 'superseded':
      return { outcome: 'superseded', supersededBy: answer.by };
    case 'overtaken':
      return { outcome: 'landed', landed: answer.landed };
    case 'rejected':
    case 'expired':
      return { outcome: answer.decision, approval: answer };
  }
}

/** Once an answer has come in another way, the run does not wait for a forge that does not respond. */
async function untilCancelled(scope: CancellationScope, work: () => Promise<void>): Promise<void> {
  try {
    await scope.run(work);
  } catch (error) {
    if (!isCancellation(error) || CancellationScope.current().consideredCancelled) throw error;
  }
}
