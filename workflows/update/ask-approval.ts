import { waysOfLanding } from '../../model/landing/index.js';
import { proposalOf } from '../../model/run/proposal.js';
import { targetLabel } from '../../model/targets/index.js';
import { ask } from './ask.js';
import type { Ended } from './facts.js';
import type { Run } from './run.js';
import { unapproved, verifyApproved } from './verify-and-repair.js';
import type { Verified } from './verify-and-repair.js';

/**
 * Asks a person about a verified update, where the run is to ask: once for the same revisions and fixes. What no machine may verify
 * before is verified then.
 * @returns `held-back` when an input was held back instead of an answer
 */
export async function askApproval(
  run: Run,
  { candidate, update }: Verified,
): Promise<'approved' | 'held-back' | Ended> {
  const { options, state } = run;
  if (!waysOfLanding[options.landing.mode].lands || options.approval === null) return 'approved';
  const proposal = proposalOf(update.lock, update.fixes);
  const { approval, approvedProposal } = state.facts();
  if (approvedProposal !== proposal) {
    const unverified = unapproved(run).map(targetLabel);
    const decision = await ask(run, { commit: candidate.head, again: approval !== null, unverified }, options.approval);
    if (decision === null) {
      run.approval.withdraw();
      return 'held-back';
    }
    if (decision.decision === 'superseded') return { outcome: 'superseded', supersededBy: decision.by };
    if (decision.decision !== 'approved') return { outcome: decision.decision, approval: decision };
    state.learn({ approval: decision, approvedProposal: proposal });
  }
  const waiting = unapproved(run);
  return waiting.length === 0 || (await verifyApproved(run, candidate, waiting)) ? 'approved' : { outcome: 'broken' };
}
