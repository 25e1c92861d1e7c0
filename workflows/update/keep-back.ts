import { withCompany } from '../../model/hold-back/pins.js';
import type { HeldBackInput } from '../../model/report/data.js';
import { coordinator } from '../calls/coordinator.js';
import type { Update } from './commit-update.js';
import { NO_CANDIDATE } from './facts.js';
import { rejected } from './fixes.js';
import { commitSignature, type Run } from './run.js';

/**
 * An update with some inputs where they are on base. Nothing is fetched: the revisions tested are the revisions landed.
 * `null` when nothing is left to move.
 * @param inputs whole groups of inputs that only move together
 */
export async function keepBack(run: Run, update: Update, inputs: readonly HeldBackInput[]): Promise<Update | null> {
  const names = inputs.map(({ input }) => input);
  const lock = await coordinator(`keep ${names.join(', ')} back`).composeCandidate({
    repository: run.options.repository,
    candidate: update.lock.draft,
    move: update.lock.moved.map(({ name }) => name).filter((name) => !names.includes(name)),
    ...commitSignature(run),
  });
  const added = inputs.map((held): HeldBackInput => {
    const moved = update.lock.moved.find(({ name }) => name === held.input);
    const revision = moved?.from?.revision ?? null;
    return { ...held, revision, newRevision: moved?.to?.revision ?? null, compareUrl: moved?.compareUrl ?? null };
  });
  const heldBack = [...update.heldBack, ...added];
  run.state.learn({ heldBack });
  if (lock.kind === 'updated') return { ...update, lock, heldBack };
  // What was verified and fixed was about an update of which nothing is left.
  run.state.learn({ ...NO_CANDIDATE, attempts: rejected(run, update.fixes, 'is for inputs that stay where they are') });
  run.state.show({ targets: [] });
  return null;
}

/** The same for inputs that somebody named: those that can only move with them stay as well. */
export async function keepNamedBack(
  run: Run,
  update: Update,
  wanted: readonly HeldBackInput[],
): Promise<Update | null> {
  if (wanted.length === 0) return update;
  const groups = await coordinator('find inputs that must move together').groupInputs({
    repository: run.options.repository,
    candidate: update.lock.draft,
    moved: update.lock.moved.map(({ name }) => name),
  });
  return await keepBack(run, update, withCompany(wanted, groups));
}
