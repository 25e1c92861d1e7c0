import type { CoordinatorActivities } from '../../model/contract/activities.js';
import { ADVICE_KEPT, adviceOn } from '../../model/flake-lock/advice.js';
import { movedInputs } from '../../model/flake-lock/diff.js';
import { readableFlakeLock } from '../../model/flake-lock/parse.js';
import { plural } from '../../model/report/words.js';
import { comparedWords, isCommit } from '../../model/run/comparison.js';
import { finalFailure } from '../../model/run/failures.js';
import type { Repository } from '../../model/run/options.js';
import type { ActivityEnvironment } from '../environment.js';
import { candidateOf } from './bundle.js';
import { checkFlake, flakeText, lockAt } from './flake-files.js';
import { gitMessage, isDirectory, openGit, openPersonsGit, type Git } from './git.js';
import { keepCommit } from './install-commit.js';
import { leftOut } from './left-out.js';
import { commitRef, fetchMirror, hasCommit } from './mirror.js';
import { exclusively } from './mutex.js';
import { unknownBranch } from './resolve-base.js';
import { whileWaitingFor } from './waiting.js';
import { candidateOnRemote } from '../../model/verify/candidate.js';

/**
 * Makes the activity that names the two commits of a comparison. Only the mirror is written, so it may be repeated; the checkout may
 * then be at another commit, and the workflow keeps the first answer.
 * @throws what `fetchMirror` and `checkFlake` throw, `UnknownBranch` for what is not there, `BundleTooLarge`
 */
export const createFindComparison =
  (env: ActivityEnvironment): CoordinatorActivities['findComparison'] =>
  async ({ repository, compares }) => {
    const git = openGit(await whileWaitingFor(repository.displayUrl, () => fetchMirror(env, repository)));
    const { revision, against } = comparedWords(compares, repository);
    const base = await commitOf(git, against);
    if (base === null || !(await isOnRemote(git, base)))
      throw await unknownBranch(git, repository, {
        what: `branch, tag or commit ${JSON.stringify(against)}`,
        option: '--against',
      });
    const head = await headOf(git, repository, compares.revision ?? null);
    const branch = compares.revision === undefined || isCommit(compares.revision) ? null : compares.revision;
    await checkFlake(git, repository, head, branch);
    await Promise.all([keepCommit(git, base), keepCommit(git, head)]);
    const [before, after, left, missing, isPushed] = await Promise.all([
      flakeText(git, repository, base, 'flake.lock').then(readableFlakeLock),
      lockAt(git, repository, head),
      leftOut(repository, null),
      count(git, [base, `^${head}`]),
      isOnRemote(git, head),
    ]);
    return {
      commit: base,
      candidate: isPushed
        ? candidateOnRemote(base, head)
        : await candidateOf(git.directory, base, head, 'Push the commits, and name their branch: FLAKE?ref=BRANCH.'),
      moved: movedInputs(before, after),
      advice: adviceOn(after, new Date(), []).slice(0, ADVICE_KEPT),
      leftOut: [
        ...(missing === 0
          ? []
          : [`${plural(missing, 'commit')} of ${against} that ${revision} lacks: their changes are shown as undone`]),
        ...left,
      ],
    };
  };

/** The commit that the mirror has for a branch, a tag, or the beginning of a commit; `null` when it has none. */
async function commitOf(git: Git, name: string): Promise<string | null> {
  const names = [`refs/heads/${name}`, `refs/tags/${name}`, ...(/^[0-9a-f]{7,64}$/.test(name) ? [name] : [])];
  for (const each of names) {
    const found = await git.attempt(['rev-parse', '--verify', '--quiet', `${each}^{commit}`]);
    if (found.exitCode === 0) return found.stdout.trim();
  }
  return null;
}

/** The commit that is compared, which the mirror has then. @param revision a branch or a commit; `null`: what is checked out */
async function headOf(git: Git, repository: Repository, revision: string | null): Promise<string> {
  const { checkout, mainBranch, displayUrl } = repository;
  const name = revision ?? (checkout === null ? mainBranch : await checkedOut(checkout));
  const known = await commitOf(git, name);
  if (known !== null) return known;
  if (!isCommit(name))
    throw await unknownBranch(git, repository, { what: `branch ${JSON.stringify(name)}`, option: '?ref= in FLAKE' });
  if (checkout === null || !(await isDirectory(checkout)))
    throw finalFailure(
      'UnknownBranch',
      `${displayUrl} does not have commit ${name}, and this machine has no checkout with it: push it, and name its branch: FLAKE?ref=BRANCH.`,
    );
  const fetch = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', checkout, `+${name}:${commitRef(name)}`];
  const fetched = await exclusively(git.directory, () => git.attempt(fetch));
  if (fetched.exitCode === 0 && (await hasCommit(git, name))) return name;
  throw finalFailure(
    'UnknownBranch',
    `Commit ${name} cannot be taken out of ${checkout}: ${gitMessage(fetched.stderr)}. Push it, and name its branch: FLAKE?ref=BRANCH.`,
  );
}

async function checkedOut(checkout: string): Promise<string> {
  const head = (await isDirectory(checkout))
    ? await openPersonsGit(checkout).attempt(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'])
    : null;
  if (head?.exitCode === 0) return head.stdout.trim();
  throw finalFailure(
    'UnknownBranch',
    head === null
      ? `The checkout ${checkout} is not on this machine: push its commit, and compare its branch.`
      : `${checkout} has no commits yet, or Git refuses it: commit the flake, or run "git status" there to see why.`,
  );
}

/** Whether a branch or tag of the remote holds a commit; the mirror has others as well. */
const isOnRemote = async (git: Git, commit: string): Promise<boolean> =>
  (await count(git, [commit, '--not', '--branches', '--tags'])) === 0;

const count = async (git: Git, revisions: readonly string[]): Promise<number> =>
  Number(await git.run(['rev-list', '--count', ...revisions]));
