import type { ApplicationFailure } from '@temporalio/common';
import type { LandInput, LandResult } from '../../model/contract/landing.js';
import { finalFailure } from '../../model/run/failures.js';
import type { Repository } from '../../model/run/options.js';
import { oneLine } from '../../model/text/one-line.js';
import type { ActivityEnvironment } from '../environment.js';
import { branchUses } from './branch-use.js';
import { openPersonsGit, type Git } from './git.js';
import { installBundle } from './install-commit.js';
import { commitRef } from './mirror.js';
import { landOnBranch } from './land-branch.js';
import { fastForward, moveRef } from './move-work-tree.js';
import { isAncestor, mainMoved } from './branch-owner.js';

/** Git in the owner's repository, which has no remote. */
export const openLocal = ({ url }: Repository): Git =>
  // The account's `safe.directory` and protocol settings do not concern a fetch from the mirror.
  openPersonsGit(url.replace(/^file:\/\//, ''), [['protocol.file.allow', 'always']]);

/** Brings the candidate's commits into the owner's repository, where at first no branch holds them. */
async function bring(env: ActivityEnvironment, input: LandInput): Promise<Git> {
  const mirror = await installBundle(env, input);
  const git = openLocal(input.repository);
  const ref = commitRef(input.candidate.head);
  await git.run(['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--', mirror, ref]);
  return git;
}

async function branchTip(git: Git, branch: string): Promise<string | null> {
  const result = await git.attempt(['rev-parse', '--verify', '--quiet', `refs/heads/${branch}^{commit}`]);
  return result.exitCode === 0 ? result.stdout.trim() : null;
}

/** Writes the update branch in a repository without a remote, by the same rules as on a remote. */
export async function landLocalBranch(env: ActivityEnvironment, input: LandInput): Promise<LandResult> {
  const git = await bring(env, input);
  return landOnBranch(
    {
      git,
      branches: () => localBranches(git),
      noMain: () => Promise.resolve(missingMain(input)),
      inUse: (branch) => inUse(git, branch),
      async move(branch, from) {
        await moveRef(git, branch, input.candidate.head, from);
        return 'pushed';
      },
    },
    input,
  );
}

/** Says so when a work tree has a branch: moving or removing it would show up as local changes there. */
export async function inUse(git: Git, branch: string): Promise<string | null> {
  const use = (await branchUses(git, branch))[0];
  if (use === undefined) return null;
  const where = oneLine(use.folder);
  return use.unfinished === null ? `is checked out at ${where}` : `is needed by a ${use.unfinished} in ${where}`;
}

/** Removes a branch from exactly where it was seen; gives the reason when it stays, as a clause. */
export async function removeLocal(git: Git, branch: string, commit: string): Promise<string | null> {
  const reason = await inUse(git, branch);
  if (reason === null) await git.run(['update-ref', '-d', `refs/heads/${branch}`, commit]);
  return reason;
}

const missingMain = ({ repository }: LandInput): ApplicationFailure =>
  finalFailure('UnknownBranch', `${repository.displayUrl} has no branch ${repository.mainBranch} any more.`);

export async function localBranches(git: Git): Promise<ReadonlyMap<string, string>> {
  const lines = (await git.run(['for-each-ref', '--format=%(objectname) %(refname)', 'refs/heads/'])).split('\n');
  return new Map(
    lines.flatMap((line) => {
      const [, commit = '', name = ''] = /^([0-9a-f]+) refs\/heads\/(.+)$/.exec(line) ?? [];
      return name === '' ? [] : [[name, commit]];
    }),
  );
}

/** Fast-forwards main in a repository without a remote, together with its files where it is checked out. */
export async function landLocalMain(env: ActivityEnvironment, input: LandInput): Promise<LandResult> {
  const { candidate, repository } = input;
  const branch = repository.mainBranch;
  const landed: LandResult = { kind: 'landed', ref: branch, commit: candidate.head };
  const git = await bring(env, input);
  const main = await branchTip(git, branch);
  if (main === null) throw missingMain(input);
  if (await isAncestor(git, candidate.head, main)) return landed;
  // Also where a fast-forward would do: what its owner took back must not come back.
  if (main !== candidate.base) return mainMoved(git, candidate, main);
  await fastForward(git, { branch, from: main, to: candidate.head });
  return landed;
}
