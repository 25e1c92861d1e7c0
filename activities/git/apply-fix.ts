import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import type { CoordinatorActivities } from '../../model/contract/activities.js';
import { withLockOf } from '../../model/verify/candidate.js';
import type { ActivityEnvironment } from '../environment.js';
import { candidateOf } from './bundle.js';
import { commitTree } from './commit.js';
import { openGit, type Git } from './git.js';
import { installBundle } from './install-commit.js';
import { SCRATCH } from './mirror.js';
import { readCommit } from './read-commit.js';
import { signerOf } from './signing.js';

/**
 * Makes the activity that puts the newest commit of one candidate on top of another, with its message. Safe to repeat: the
 * same input gives the same commit, and where it was made before, that one.
 */
export const createApplyFix =
  (env: ActivityEnvironment): CoordinatorActivities['applyFix'] =>
  async ({ repository, candidate, fix, signing, ...signature }) => {
    const signer = await signerOf(signing);
    const mirror = await installBundle(env, { repository, candidate });
    await installBundle(env, { repository, candidate: fix });
    const git = openGit(mirror);
    const [{ message }, patch, before] = await Promise.all([
      readCommit(git, fix.head),
      git.run(['diff-tree', '-p', '--binary', '--full-index', '--no-renames', `${fix.head}^`, fix.head]),
      git.run(['rev-parse', `${candidate.head}^{tree}`]),
    ]);
    const tree = await treeWithPatch(git, candidate.head, patch);
    if (tree === null || tree === before.trim()) return null;
    const commit = { tree, parents: [candidate.head], message };
    const head = await commitTree(git, commit, signature, signer);
    return withLockOf(await candidateOf(mirror, candidate.base, head), candidate);
  };

/** Tree of a commit with a patch, made in an index of its own; `null` when the patch does not fit. */
async function treeWithPatch(git: Git, commit: string, patch: string): Promise<string | null> {
  const scratch = await mkdtemp(`${git.directory}${SCRATCH}`);
  const env = { GIT_INDEX_FILE: path.join(scratch, 'index') };
  try {
    await git.run(['read-tree', commit], { env });
    const applied = await git.attempt(['apply', '--cached', '--whitespace=nowarn', '-'], { env, input: patch });
    return applied.exitCode === 0 ? (await git.run(['write-tree'], { env })).trim() : null;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
