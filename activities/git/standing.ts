import { waysOfLanding } from '../../model/landing/index.js';
import type { LandInput } from '../../model/contract/landing.js';
import { isFailure } from '../../model/run/failures.js';
import { movedInputs } from '../../model/flake-lock/diff.js';
import type { FlakeLock } from '../../model/flake-lock/types.js';
import { nameList } from '../../model/report/words.js';
import { oneLine } from '../../model/text/one-line.js';
import type { Repository } from '../../model/run/options.js';
import { findFile, flakeFile, lockAt } from './flake-files.js';
import type { Git } from './git.js';
import { isAncestor, ownCommits } from './branch-owner.js';

/** What a branch that is there already means for an update that is to be landed. */
export type Standing =
  /** It has the update: there is nothing to do. */
  | { readonly kind: 'has-it'; readonly commit: string }
  /** It holds an update that this one makes needless, and nothing else. */
  | { readonly kind: 'replaceable' }
  | {
      readonly kind: 'stays';
      /** A clause without its subject, which is the branch. */
      readonly reason: string;
    };

type Update = Pick<LandInput, 'repository' | 'candidate' | 'instance' | 'mode'>;

/**
 * Looks at what a branch is at. It is replaced only by an update of the same instance and folder, and only if nobody else has a
 * commit on it; a branch of a day only by one that is no smaller.
 * @param git has the commits that are named
 * @param main the commit that main is at
 */
export async function standingOf(git: Git, tip: string, main: string, update: Update): Promise<Standing> {
  const { candidate, repository, instance } = update;
  const named = flakeFile(repository, 'flake.lock');
  const lock = await findFile(git, repository, candidate.head, named);
  const lockFile = lock.kind === 'found' ? lock.path : named;
  // It landed before, and somebody may have built on it, but not taken it out again.
  if (await isAncestor(git, candidate.head, tip)) {
    const [was, is] = await objects(git, [`${candidate.head}:${lockFile}`, `${tip}:${lockFile}`]);
    if (was === is) return { kind: 'has-it', commit: candidate.head };
  }
  const owner = { instance, lockFile, like: candidate.head };
  const own = await ownCommits(git, tip, [main, candidate.base], owner);
  if (own.kind === 'foreign') return { kind: 'stays', reason: own.reason };
  if (own.base === candidate.base) {
    const [wanted, there] = await objects(git, [`${candidate.head}^{tree}`, `${tip}^{tree}`]);
    if (wanted === there) return { kind: 'has-it', commit: tip };
  }
  const other = await otherFlake(git, own.base, tip, lockFile);
  if (other !== null) return { kind: 'stays', reason: other };
  // What is on main cannot be lost, and a pull request shows the newest update alone.
  const isNeedless = waysOfLanding[update.mode].asksForge || (await isAncestor(git, tip, main));
  const reason = isNeedless ? null : await whatIsMissing(git, own.base, tip, update);
  return reason === null ? { kind: 'replaceable' } : { kind: 'stays', reason };
}

/** Hashes of some objects, in their order; an empty text for one that is not there. */
const objects = (git: Git, names: readonly string[]): Promise<readonly string[]> =>
  Promise.all(names.map(async (name) => (await git.attempt(['rev-parse', '--verify', '--quiet', name])).stdout.trim()));

/** Says so when a branch's update is about the lock of another folder. */
async function otherFlake(git: Git, base: string, tip: string, lockFile: string): Promise<string | null> {
  const locks = ['flake.lock', ':(glob)**/flake.lock', `:(literal)${lockFile}`];
  const args = ['diff-tree', '-r', '-z', '--name-only', '--no-renames', base, tip, '--', ...locks];
  const changed = (await git.run(args)).split('\0').filter((file) => file !== '');
  if (changed.includes(lockFile)) return null;
  const [other] = changed;
  return other === undefined ? 'holds no update of this flake' : `holds an update of ${oneLine(other)}`;
}

/** The lock of the flake at a commit; `null` when there is none that can be read. */
async function lockIfReadable(git: Git, repository: Repository, commit: string): Promise<FlakeLock | null> {
  try {
    return await lockAt(git, repository, commit);
  } catch (error) {
    if (isFailure(error, 'LockUnreadable')) return null;
    throw error;
  }
}

/** Names what a branch's update moves and the candidate does not, unless main has it by now. */
async function whatIsMissing(
  git: Git,
  base: string,
  tip: string,
  { repository, candidate }: Update,
): Promise<string | null> {
  const [before, there, onMain, wanted] = await Promise.all(
    [base, tip, candidate.base, candidate.head].map((commit) => lockIfReadable(git, repository, commit)),
  );
  if (before === undefined || onMain === undefined || there == null || wanted == null)
    return 'holds a flake.lock that cannot be read';
  const moves = new Set(movedInputs(onMain, wanted).map(({ name }) => name));
  const differs = new Set(movedInputs(there, wanted).map(({ name }) => name));
  const missing = movedInputs(before, there)
    .map(({ name }) => name)
    .filter((name) => !moves.has(name) && differs.has(name) && wanted.root.inputs.has(name));
  return missing.length === 0 ? null : `holds an update of ${nameList(missing)} that this one does not have`;
}
