import { ApplicationFailure } from '@temporalio/common';
import type { LandInput, LandResult } from '../../model/activities.js';
import type { FailureType } from '../../model/failures.js';
import type { ActivityEnvironment } from '../environment.js';
import { openGit } from './git.js';
import { installBundle } from './install-commit.js';
import { fetchMirror, hasCommit } from './mirror.js';
import { allOurs, isAncestor } from './ours.js';
import { push, remoteBranch } from './push.js';
import { mainCommit } from './resolve-base.js';
import { openRemoteGit } from './transport.js';

/** Looks at the remote again after a race; past it, Temporal's retry does. */
const TRIES = 3;

const keepsMoving = (input: LandInput, branch: string): ApplicationFailure =>
  ApplicationFailure.retryable(
    `Branch ${branch} of ${input.repository.displayUrl} was moved by others each time it was to be pushed.`,
    'PushRejected' satisfies FailureType,
  );

/** `foreign`: the branch has commits that are not ours to replace. */
async function landOn(env: ActivityEnvironment, input: LandInput, branch: string): Promise<LandResult | 'foreign'> {
  const { repository, candidate, instance } = input;
  const landed: LandResult = { kind: 'landed', ref: branch, commit: candidate.head };
  const mirror = await installBundle(env, input);
  const git = openGit(mirror);
  const remote = await openRemoteGit(mirror, repository);
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const tip = await remoteBranch(remote, repository, branch);
    if (tip === candidate.head) return landed;
    if (tip !== null) {
      await fetchMirror(env, repository);
      // Gone again since we asked.
      if (!(await hasCommit(git, tip))) continue;
      // It landed before, and somebody built on it.
      if (await isAncestor(git, candidate.head, tip)) return landed;
      const main = await mainCommit(git, repository);
      if (!(await allOurs(git, tip, [main, candidate.base], instance))) return 'foreign';
    }
    if ((await push(remote, repository, { commit: candidate.head, branch, replaces: tip })) === 'pushed') return landed;
  }
  throw keepsMoving(input, branch);
}

/**
 * Pushes the update branch; when somebody else's commits are on it, the fallback branch.
 * Throws `PushRejected` when both are somebody else's.
 */
export async function landBranch(env: ActivityEnvironment, input: LandInput): Promise<LandResult> {
  for (const branch of [input.branch, input.fallbackBranch]) {
    const result = await landOn(env, input, branch);
    if (result !== 'foreign') return result;
  }
  throw ApplicationFailure.nonRetryable(
    `Both ${input.branch} and ${input.fallbackBranch} of ${input.repository.displayUrl} hold commits that are not ` +
      `of the instance ${input.instance}. Nothing was pushed. Delete one of them, or choose another --branch-prefix.`,
    'PushRejected' satisfies FailureType,
  );
}

/** Fast-forwards the remote's main to the candidate; never forced. A main that moved elsewhere is for the run to handle. */
export async function landMain(env: ActivityEnvironment, input: LandInput): Promise<LandResult> {
  const { repository, candidate } = input;
  const branch = repository.mainBranch;
  const landed: LandResult = { kind: 'landed', ref: branch, commit: candidate.head };
  const mirror = await installBundle(env, input);
  const git = openGit(mirror);
  const remote = await openRemoteGit(mirror, repository);
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const main = await remoteBranch(remote, repository, branch);
    if (main === candidate.head) return landed;
    // A main that is gone is named by this, with the branches that there are.
    if (main === null || !(await hasCommit(git, main))) await fetchMirror(env, repository);
    if (main === null) await mainCommit(git, repository);
    if (main === null || !(await hasCommit(git, main))) continue;
    if (await isAncestor(git, candidate.head, main)) return landed;
    if (!(await isAncestor(git, main, candidate.head))) return { kind: 'main-moved', main };
    const pushed = await push(remote, repository, { commit: candidate.head, branch });
    if (pushed === 'pushed') return landed;
  }
  throw keepsMoving(input, branch);
}
