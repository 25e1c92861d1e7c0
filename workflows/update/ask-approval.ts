import { waysOfLanding } from '../../model/landing/index.js';
import { proposalOf } from './proposal.js';
import { targetLabel } from '../../model/targets/index.js';
import { ask, approvalOr } from './ask.js';
import type { Ended } from './facts.js';
import { forgeAnswers, listen, type Proposed } from './listen.js';
import type { Run } from './run.js';
import { unapproved, verifyApproved, type Verified } from './verify-and-repair.js';

/**
 * Asks a person about a verified update, where the run is to ask: once for the same revisions and fixes. What no machine may verify
 * before is verified then.
 * @param proposed its pull request, on which it can be answered as well
 * @returns `held-back` when an input was held back instead of an answer
 */
export async function askApproval(
  run: Run,
  verified: Verified,
  proposed?: Proposed,
): Promise<'approved' | 'held-back' | Ended> {
  const { candidate, update } = verified;
  const { options, state } = run;
  if (!waysOfLanding[options.landing.mode].lands || options.approval === null) return 'approved';
  const proposal = proposalOf(update.lock, update.fixes);
  const { approval, approvedProposal } = state.facts();
  if (approvedProposal !== proposal) {
    const unverified = unapproved(run).map(targetLabel);
    const policy = options.approval;
    const decision = await ask(
      run,
      {
        ...{ commit: candidate.head, again: approval !== null, unverified },
        ...(proposed === undefined ? {} : { onForge: forgeAnswers(run, proposed) }),
      },
      policy,
      proposed === undefined ? undefined : () => listen(run, verified, proposed, policy),
    );
    if (decision === null) {
      run.approval.withdraw();
      return 'held-back';
    }
    const approved = approvalOr(decision);
    if ('outcome' in approved) return approved;
    state.learn({ approval: approved, approvedProposal: proposal });
  }
  const waiting = unapproved(run);
  return waiting.length === 0 || (await verifyApproved(run, candidate, waiting)) ? 'approved' : { outcome: 'broken' };
}
