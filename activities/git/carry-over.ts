import type { CoordinatorActivities } from '../../model/contract/activities.js';
import { movedInputs } from '../../model/flake-lock/diff.js';
import { serialiseLock } from '../../model/flake-lock/serialise.js';
import { withLockOf } from '../../model/verify/candidate.js';
import { carriedOver } from '../../model/flake-lock/carry-over.js';
import type { ActivityEnvironment } from '../environment.js';
import { commitDraft } from './commit-draft.js';
import { lockAt } from './flake-files.js';
import { openGit } from './git.js';
import { installBundle, installCommit } from './install-commit.js';

/**
 * Takes the revisions that a candidate tested over onto a main that moved meanwhile. Nothing is fetched from the inputs:
 * what lands is what main has, and what the candidate had. Safe to repeat: the same input gives the same draft.
 */
export const createCarryOver =
  (env: ActivityEnvironment): CoordinatorActivities['carryOver'] =>
  async ({ repository, candidate, moved, onto, ...signature }) => {
    const git = openGit(await installBundle(env, { repository, candidate }));
    await installCommit(env, repository, onto);
    const base = await lockAt(git, repository, candidate.base);
    const updated = await lockAt(git, repository, candidate.head);
    const main = await lockAt(git, repository, onto);

    const { lock, left } = carriedOver({ base, candidate: updated, main }, moved);
    const movedNow = movedInputs(main, lock);
    if (movedNow.length === 0) return { kind: 'unchanged', unfetched: left };
    const draft = await commitDraft(env, { repository, ...signature }, onto, serialiseLock(lock));
    return { kind: 'updated', draft: withLockOf(draft, candidate), moved: movedNow, unfetched: left };
  };
