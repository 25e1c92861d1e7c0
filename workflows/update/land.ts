import type { LandResult } from '../../model/contract/activities.js';
import { updateBranches } from '../../model/landing/branches.js';
import { isPushed, waysOfLanding } from '../../model/landing/index.js';
import { coordinator } from '../calls/coordinator.js';
import type { Ended } from './facts.js';
import type { Run } from './run.js';
import type { Verified } from './verify-and-repair.js';

type MainMoved = Extract<LandResult, { readonly kind: 'main-moved' }>;

/** Pushes what was verified, where that was asked for, unless main has moved meanwhile. */
export async function land({ options, state, ...run }: Run, { candidate }: Verified): Promise<Ended | MainMoved> {
  const { repository, landing, instance } = options;
  const { mode, branchPrefix, removeOldBranches } = landing;
  const branches = updateBranches(options, run.startTime);
  if (!isPushed(mode)) return { outcome: 'verified', landed: { mode, ref: branches.branch, commit: candidate.head } };
  state.phase('landing');
  const result = await coordinator(waysOfLanding[mode].step(repository)).land({
    ...{ repository, candidate, mode, instance, run: run.id, ...branches },
    ...(removeOldBranches === true ? { branchPrefix } : {}),
  });
  if (result.kind === 'main-moved') return result;
  const { ref, commit, already = false, insteadOf, older = [] } = result;
  return {
    outcome: 'landed',
    landed: { mode, ref, commit, ...(already && { already }), ...(insteadOf && { insteadOf }) },
    needlessBranches: older,
  };
}
