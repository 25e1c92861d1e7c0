import type { LandResult } from '../../model/contract/landing.js';
import { allOrCancel } from '../calls/all-or-cancel.js';
import { landingCall } from '../calls/coordinator.js';
import type { Update } from './commit-update.js';
import { commitSignature, type Run } from './run.js';
import { listTargets } from './targets.js';
import type { Verified } from './verify-and-repair.js';

/**
 * Takes an update to the main branch as it is now, hosts included; what main has moved itself needs no update, and what was
 * kept back still is.
 * @returns `null` when nothing is left to move
 */
export async function carryOver(
  run: Run,
  { candidate, update }: Verified,
  { main: onto, rewound = false }: Extract<LandResult, { readonly kind: 'main-moved' }>,
): Promise<Update | null> {
  const { options, state } = run;
  const { repository, nix } = options;
  state.phase('updating-lock');
  const moved = update.lock.moved.map(({ name }) => name);
  const [targets, lock] = await allOrCancel(
    () => listTargets(run, onto),
    () =>
      landingCall(`carry over onto ${onto.slice(0, 12)}`).carryOver({
        ...{ repository, candidate, moved, onto, nix },
        ...commitSignature(run),
      }),
  );
  state.learn({ fetchFailures: lock.unfetched });
  // What was approved was an update of a main that its owner took back.
  if (rewound) state.learn({ approvedProposal: null });
  return lock.kind === 'unchanged' ? null : { ...update, lock, targets };
}
