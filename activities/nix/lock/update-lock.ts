import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { activityInfo } from '@temporalio/activity';
import type { CoordinatorActivities, LockUpdate, UpdateLockInput } from '../../../model/activities.js';
import type { UnfetchedInput } from '../../../model/candidate.js';
import { movedInputs } from '../../../model/flake-lock/diff.js';
import { parseFlakeLock } from '../../../model/flake-lock/parse.js';
import { FlakeLockError, type FlakeLock } from '../../../model/flake-lock/types.js';
import type { ActivityEnvironment } from '../../environment.js';
import { commitDraft } from '../../git/commit-draft.js';
import { flakeFile } from '../../git/flake-files.js';
import { installCommit } from '../../git/install-commit.js';
import { withWorkTree } from '../../git/work-tree.js';
import { chooseInputs } from './choose-inputs.js';
import type { FlakeAtCommit } from './flake-file.js';
import { failure } from './flake-failure.js';
import { whileHeartbeating } from '../heartbeat.js';
import { inputsToUpdate } from './inputs-to-update.js';
import { moveInputs } from './move-inputs.js';
import { nixVersion } from '../version.js';

/**
 * Makes the activity that updates the lock: in a work tree of its own, so that the owner's checkout is never touched, and
 * committed from there as a draft. What moved is judged by content: a lock that Nix only wrote in another form is
 * unchanged. Of groups that take turns the first one moves that can. Repeating it asks upstream again; with the same answers
 * it gives the same draft.
 * @throws `UnknownInput`, `NoInputs`, `LockUnreadable`, `FlakeDoesNotParse`, `NixUnusable`; retryable failures of the machine
 */
export const createUpdateLock =
  (env: ActivityEnvironment): CoordinatorActivities['updateLock'] =>
  (input) =>
    whileHeartbeating(null, async (signal): Promise<LockUpdate> => {
      const { repository, base } = input;
      const version = await nixVersion();
      const mirror = await installCommit(env, repository, base);
      const flake: FlakeAtCommit = { mirror, commit: base, repository };
      return withWorkTree(env, repository, base, 'lock', async (tree) => {
        const directory = path.join(tree, repository.dir);
        const before = readLock(input, await lockText(directory));
        const choices = await chooseInputs(env, flake, before, input);
        await inputsToUpdate(flake, before, input.named ?? []);
        const locked = { flake, directory, version, nix: input.nix, attempt: activityInfo().attempt };
        const unfetched: UnfetchedInput[] = [];
        for (const { group, ...choice } of choices) {
          unfetched.push(...(await moveInputs(locked, choice, signal)));
          const content = await lockText(directory);
          // A flake without inputs gets no lock.
          const moved = content === null ? [] : movedInputs(before, parseFlakeLock(content));
          if (content === null || moved.length === 0) continue;
          const draft = { ...(await commitDraft(env, input, input.base, content)), lockedBy: version.text };
          return { kind: 'updated', draft, moved, unfetched, ...(group === null ? {} : { group }) };
        }
        return { kind: 'unchanged', unfetched };
      });
    });

const lockText = (directory: string): Promise<string | null> =>
  readFile(path.join(directory, 'flake.lock'), 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  });

/** The lock of base; `null` when there is none, which the update then makes. */
function readLock(input: UpdateLockInput, text: string | null): FlakeLock | null {
  try {
    return text === null ? null : parseFlakeLock(text);
  } catch (error) {
    if (!(error instanceof FlakeLockError)) throw error;
    const where = `${flakeFile(input.repository, 'flake.lock')} at commit ${input.base.slice(0, 12)}`;
    throw failure('LockUnreadable', `${where}: ${error.message}`);
  }
}
