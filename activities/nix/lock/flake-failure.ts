import { ApplicationFailure } from '@temporalio/common';
import { finalFailure } from '../../../model/run/failures.js';
import { flakeFile, lockAt } from '../../git/flake-files.js';
import { openGit } from '../../git/git.js';
import type { Finished } from '../../command/process.js';
import { nixErrorMessage, nixErrorPosition } from '../../../host/nix/error-message.js';
import { filterNote } from '../filter-note.js';
import { faultOf, type Fault } from '../faults.js';
import { endedWords } from './bounds.js';
import { readFlakeFile, type FlakeAtCommit } from '../flake-file.js';
import { isLockRefusal, LOCK_IS_LINK } from '../lock-refusal.js';
import { faultFailure } from '../run-nix.js';
import { nixVersion } from '../version.js';

/**
 * Says why a whole flake did not evaluate, as the failure to throw: what the machine did is retryable; of the flake's own
 * faults the nearest cause is named - no `flake.nix`, a lock that cannot be used, or `flake.nix` itself.
 */
export async function flakeFailure(flake: FlakeAtCommit, finished: Finished): Promise<Error> {
  const ended = endedWords(finished);
  const fault: Fault | null =
    ended === null ? faultOf(finished) : { kind: 'network', what: `something that it fetches was ${ended}` };
  const where = `${flakeFile(flake.repository, 'flake.nix')} at commit ${flake.commit.slice(0, 12)}`;
  if (fault !== null) return faultFailure(`${where} was not evaluated`, fault, finished);
  if ((await readFlakeFile(flake)) === null) {
    return finalFailure('NoFlake', `There is no ${where}. Name the folder that has it: FLAKE?dir=FOLDER.`);
  }
  const message = nixErrorMessage(finished.stderr, 2000).replace(/[.\s]+$/, '');
  const unreadable = await lockAt(openGit(flake.mirror), flake.repository, flake.commit).then(
    () => null,
    (error: unknown) => error,
  );
  if (unreadable instanceof ApplicationFailure && mayBeTheLock(message)) return unreadable;
  if (LOCK_IS_LINK.test(message)) {
    const { text } = await nixVersion();
    return finalFailure(
      'LockUnreadable',
      `The flake.lock beside ${where} is a link, and ${text} does not read a lock through one. Commit the file itself in its place. Nix says: ${message}`,
    );
  }
  if (isLockRefusal(message)) {
    return finalFailure(
      'LockUnreadable',
      `The flake.lock beside ${where} lacks an input, or is written in a way that this Nix does not take. Run \`nix flake lock\` with the worker's Nix and commit the result. Nix says: ${message}`,
    );
  }
  const position = nixErrorPosition(finished.stderr);
  const note = await filterNote(flake.mirror, flake.commit, finished.stderr);
  const verb = message.startsWith('syntax error') ? 'parse' : 'evaluate';
  return finalFailure(
    'FlakeDoesNotParse',
    `${where} does not ${verb}: ${message}${position === null ? '' : `, at ${position}`}${note}.`,
  );
}

/** A flake without inputs needs no lock, so a missing one is to blame only when Nix speaks of it. */
const mayBeTheLock = (message: string): boolean => /lock|json/i.test(message);
