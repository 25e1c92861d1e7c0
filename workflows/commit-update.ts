import type { LockUpdate } from '../model/activities.js';
import type { Candidate } from '../model/candidate.js';
import { commitMessage } from '../model/commit-message.js';
import type { HeldBackInput } from '../model/report.js';
import { targetLabel } from '../model/verdict.js';
import type { Target } from '../model/verdict.js';
import { coordinator } from './activities.js';
import { stamp } from './run.js';
import type { Run } from './run.js';

/** What is verified: an update, and the targets of the main branch that it is based on. */
export interface Update {
  readonly lock: Extract<LockUpdate, { readonly kind: 'updated' }>;
  readonly targets: readonly Target[];
  /** Inputs that are kept where they are on base. */
  readonly heldBack: readonly HeldBackInput[];
}

/** Makes the candidate of an update, complete with its message: the commit that is verified is the one that lands. */
export async function commitUpdate(run: Run, { lock, targets, heldBack }: Update): Promise<Candidate> {
  const { options, state } = run;
  const message = commitMessage({
    instance: options.instance,
    run: run.id,
    moved: lock.moved,
    heldBack,
    hosts: targets.map(targetLabel),
  });
  const candidate = await coordinator('commit flake.lock').commitCandidate({
    repository: options.repository,
    draft: lock.draft,
    message,
    ...stamp(run),
  });
  state.candidate = candidate;
  state.heldBack = heldBack;
  state.set({ base: candidate.base, head: candidate.head, moved: lock.moved });
  return candidate;
}
