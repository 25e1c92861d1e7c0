import type { ApprovalPolicy } from '../../model/run/options.js';
import { allOrCancel } from '../calls/all-or-cancel.js';
import type { Question } from './approval.js';
import { tell } from './ending.js';
import type { Run } from './run.js';

/** Waits for a person's decision; `null` when an input was held back instead. */
export const ask = (run: Run, question: Question, policy: ApprovalPolicy) =>
  run.holdBackRequests.unlessAsked(async () => {
    const telling = async (event: 'waiting' | 'reminder'): Promise<void> => {
      run.state.learn(await tell(run, event));
    };
    const decided = run.approval.decide(question, policy, () => telling('reminder'));
    const [decision] = await allOrCancel(
      () => decided,
      () => telling('waiting'),
    );
    return decision;
  });
