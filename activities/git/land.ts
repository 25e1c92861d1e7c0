import type { CoordinatorActivities } from '../../model/contract/activities.js';
import type { LandInput, LandResult } from '../../model/contract/landing.js';
import { finalFailure } from '../../model/run/failures.js';
import type { ActivityEnvironment } from '../environment.js';
import { openGit } from './git.js';
import { installBundle } from './install-commit.js';
import { landLocalBranch, landLocalMain } from './land-local.js';
import { landBranch, landMain } from './land-remote.js';
import { isAncestor } from './branch-owner.js';
import { whileWaitingFor } from './waiting.js';

type Land = (env: ActivityEnvironment, input: LandInput) => Promise<LandResult>;

/** What each way of landing does at a remote, and in a repository that has none. */
const LANDINGS: Readonly<Record<LandInput['mode'], { readonly remote: Land; readonly local: Land }>> = {
  branch: { remote: landBranch, local: landLocalBranch },
  merge: { remote: landMain, local: landLocalMain },
  'pull-request': { remote: landBranch, local: landLocalBranch },
};

/**
 * Pushes the candidate as it was verified, byte for byte. Looks at the remote first and never moves a branch from where it
 * was not seen, so that repeating it is harmless, whatever became of the try before.
 */
export const createLand =
  (env: ActivityEnvironment): CoordinatorActivities['land'] =>
  async (input) => {
    const { candidate, mode, repository } = input;
    const git = openGit(await installBundle(env, input));
    // A branch is moved from base to head by force, which has to be a fast-forward.
    if (!(await isAncestor(git, candidate.base, candidate.head))) {
      const message = `Commit ${candidate.head} is not based on ${candidate.base}: it cannot land.`;
      throw finalFailure('CandidateDamaged', message);
    }
    const landing = LANDINGS[mode][repository.local ? 'local' : 'remote'];
    return await whileWaitingFor(repository.displayUrl, () => landing(env, input));
  };
