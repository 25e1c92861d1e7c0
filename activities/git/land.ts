import type { CoordinatorActivities } from '../../model/activities.js';
import type { ActivityEnvironment } from '../environment.js';
import { landLocalBranch, landLocalMain } from './land-local.js';
import { landBranch, landMain } from './land-remote.js';

/**
 * Pushes the candidate as it was verified, byte for byte. Looks at the remote first and never moves a branch from where it
 * was not seen, so that repeating it is harmless, whatever became of the try before.
 */
export const createLand =
  (env: ActivityEnvironment): CoordinatorActivities['land'] =>
  (input) => {
    if (input.repository.local) {
      return input.mode === 'merge' ? landLocalMain(env, input) : landLocalBranch(env, input);
    }
    return input.mode === 'merge' ? landMain(env, input) : landBranch(env, input);
  };
