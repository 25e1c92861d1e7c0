import type { LandResult } from '../../model/contract/landing.js';
import type { FoundRequests } from '../../model/contract/requests.js';
import { updateBranches } from '../../model/landing/branches.js';
import { isPushed, waysOfLanding } from '../../model/landing/index.js';
import type { Landing } from '../../model/run/options.js';
import { isFlakeTarget } from '../../model/targets/index.js';
import type { Verdict } from '../../model/verify/verdict.js';
import { landingCall } from '../calls/coordinator.js';
import type { Ended } from './facts.js';
import { findRequests, propose } from './requests.js';
import type { Run } from './run.js';
import type { Verified } from './verify-and-repair.js';

export type MainMoved = Extract<LandResult, { readonly kind: 'main-moved' }>;

/** Pushes what was verified if that was asked for and main has not moved, and proposes it if it lands by a forge. */
export async function land(run: Run, { candidate, update }: Verified): Promise<Ended | MainMoved> {
  const { options, state } = run;
  const { repository, landing, instance, forge } = options;
  const { mode, branchPrefix, removeOldBranches, perRun } = landing;
  const branches = updateBranches(options, run.startTime);
  if (!isPushed(mode)) return { outcome: 'verified', landed: { mode, ref: branches.branch, commit: candidate.head } };
  state.phase('landing');
  const found = forge === undefined ? null : await findRequests(run, forge, candidate);
  if (found !== null) state.learn({ said: found.said ?? null });
  if (found !== null && found.declined !== null) return { outcome: 'rejected', declined: found.declined };
  if (found !== null && isNotWorthRequest(landing, state.facts().verdicts, found))
    return {
      outcome: 'verified',
      landed: { mode: 'none', ref: branches.branch, commit: candidate.head, unchanged: true },
    };
  const result = await landingCall(waysOfLanding[mode].step(repository)).land({
    ...{ repository, candidate, mode, instance, run: run.id, ...branches },
    ...(removeOldBranches === true ? { branchPrefix } : {}),
    ...(found === null ? {} : { requests: found.requests, ...(perRun && { perRun }) }),
  });
  if (result.kind === 'main-moved') return result;
  const { ref, commit, already = false, insteadOf, leftAlone = [], older = [] } = result;
  const landed = { mode, ref, commit, ...(already && { already }), ...(insteadOf && { insteadOf }) };
  if (forge === undefined || found === null) return { outcome: 'landed', landed, needlessBranches: older };
  // Also a run that fails from here on has pushed that branch.
  state.learn({ landed });
  return {
    outcome: 'landed',
    landed: await propose(run, forge, { landed, leftAlone, update, lock: found.lock, requests: found.requests }),
  };
}

/** Whether an update changes no closure, and there is no request that shows it anyway. Runs of earlier versions open one. */
function isNotWorthRequest(
  { merge, openWithoutChange, perRun }: Landing,
  verdicts: readonly Verdict[],
  { requests }: FoundRequests,
): boolean {
  const isRefreshed = perRun !== true && requests.some(({ state }) => state === 'open');
  if (merge === undefined || openWithoutChange === true || isRefreshed) return false;
  const built = verdicts.filter(({ target }) => isFlakeTarget(target));
  return built.length > 0 && built.every(({ verdict, sameAsBase }) => verdict === 'built' && sameAsBase === true);
}
