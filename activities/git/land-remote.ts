import type { LandInput, LandResult } from '../../model/contract/landing.js';
import type { ActivityEnvironment } from '../environment.js';
import { openGit, type Git } from './git.js';
import { installBundle } from './install-commit.js';
import { keepsMoving, landOnBranch, type Destination } from './land-branch.js';
import { fetchMirror, hasCommit } from './mirror.js';
import { isAncestor, mainMoved } from './branch-owner.js';
import { push, remoteBranches, type Refusal } from './push.js';
import { mainCommit } from './resolve-base.js';
import { openRemoteGit } from './transport.js';

/** Looks at the remote again after a race; past it, Temporal's retry does. */
const TRIES = 3;

/** Pushes the update branch, or one beside it where that is not to be replaced. Throws what `landOnBranch` and `push` throw. */
export async function landBranch(env: ActivityEnvironment, input: LandInput): Promise<LandResult> {
  const mirror = await installBundle(env, input);
  return landOnBranch(remoteDestination(env, mirror, await openRemoteGit(mirror, input.repository), input), input);
}

function remoteDestination(env: ActivityEnvironment, mirror: string, remote: Git, input: LandInput): Destination {
  const { repository, branch, candidate, branchPrefix } = input;
  const git = openGit(mirror);
  const folders = branch.split('/').slice(0, -1);
  const above = folders.map((_, index) => folders.slice(0, index + 1).join('/'));
  const old = branchPrefix === undefined ? [] : [`${branchPrefix}*`];
  const wanted = [repository.mainBranch, branch, `${branch}-*`, `${branch}/*`, ...above, ...old];
  return {
    git,
    async branches() {
      for (let attempt = 0; attempt < TRIES; attempt += 1) {
        const branches = await remoteBranches(remote, repository, wanted);
        if (await hasAll(git, branches)) return branches;
        await fetchMirror(env, repository);
        // Otherwise one has moved since the remote was asked.
        if (await hasAll(git, branches)) return branches;
      }
      throw keepsMoving(input, branch, null);
    },
    noMain: () => missingMain(env, git, input),
    inUse: () => Promise.resolve(null),
    move: (to, from) => push(remote, repository, { commit: candidate.head, branch: to, replaces: from }),
  };
}

async function hasAll(git: Git, branches: ReadonlyMap<string, string>): Promise<boolean> {
  for (const tip of new Set(branches.values())) if (!(await hasCommit(git, tip))) return false;
  return true;
}

/** A main that is gone is named, with the branches that there are; one that is back is for another try. */
async function missingMain(env: ActivityEnvironment, git: Git, input: LandInput): Promise<Error> {
  await fetchMirror(env, input.repository);
  await mainCommit(git, input.repository);
  return keepsMoving(input, input.repository.mainBranch, null);
}

/**
 * Fast-forwards the remote's main from exactly the commit that the run began with to the candidate. A main that is anywhere
 * else has moved, also where a fast-forward would do: what its owner took back must not come back. That is for the run to handle.
 */
export async function landMain(env: ActivityEnvironment, input: LandInput): Promise<LandResult> {
  const { repository, candidate } = input;
  const branch = repository.mainBranch;
  const landed: LandResult = { kind: 'landed', ref: branch, commit: candidate.head };
  const mirror = await installBundle(env, input);
  const git = openGit(mirror);
  const remote = await openRemoteGit(mirror, repository);
  /** The remote's refusal of a push from where main was seen. */
  let refused: Refusal | null = null;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const main = (await remoteBranches(remote, repository, [branch])).get(branch);
    if (main === undefined) throw await missingMain(env, git, input);
    if (main === candidate.head) return landed;
    if (main === candidate.base) {
      // Nobody was faster, so the refusal lasts.
      if (refused?.busy === false) throw refused.failure;
      const result = await push(remote, repository, { commit: candidate.head, branch, replaces: main });
      if (result === 'pushed') return landed;
      refused = result;
      continue;
    }
    if (!(await hasCommit(git, main))) await fetchMirror(env, repository);
    if (!(await hasCommit(git, main))) continue;
    if (await isAncestor(git, candidate.head, main)) return landed;
    return mainMoved(git, candidate, main);
  }
  throw keepsMoving(input, branch, refused);
}
