import type { CoordinatorActivities } from '../../../model/contract/activities.js';
import { withLockOf } from '../../../model/verify/candidate.js';
import type { ActivityEnvironment } from '../../environment.js';
import { candidateOf } from '../../git/bundle.js';
import { commitTree } from '../../git/commit.js';
import { openGit } from '../../git/git.js';
import { installBundle, keepCommit } from '../../git/install-commit.js';
import { sameUpdateOn } from '../../git/same-update.js';
import { signerOf } from '../../git/signing.js';
import { fetchAhead } from '../evaluate/evaluate-commit.js';

/**
 * Gives a draft its complete message: the draft's tree and parents, committed again. Where the update branch has that very
 * update of an earlier run, it is that commit, so that nothing has to be built or pushed again. Safe to repeat: same commit.
 */
export const createCommitCandidate =
  (env: ActivityEnvironment): CoordinatorActivities['commitCandidate'] =>
  async ({ repository, draft, message, nix, branch, signing, ...signature }) => {
    const signer = await signerOf(signing);
    const mirror = await installBundle(env, { repository, candidate: draft });
    const git = openGit(mirror);
    const lines = (await git.run(['rev-parse', `${draft.head}^{tree}`, `${draft.head}^@`])).trim().split('\n');
    const [tree = '', ...parents] = lines;
    const made = await commitTree(git, { tree, parents, message }, signature, signer);
    const [earlier, candidate] = await Promise.all([
      branch === undefined ? null : sameUpdateOn(git, { branch, base: draft.base, made }, signer),
      candidateOf(mirror, draft.base, made),
    ]);
    if (earlier !== null) await keepCommit(git, earlier);
    const head = earlier ?? made;
    if (nix !== undefined) fetchAhead({ mirror, commit: head, repository }, nix);
    return withLockOf(earlier === null ? candidate : await candidateOf(mirror, draft.base, head), draft);
  };
