import type { CoordinatorActivities } from '../../model/activities.js';
import type { ActivityEnvironment } from '../environment.js';
import { createCarryOver } from './carry-over.js';
import { createCommitCandidate } from './commit.js';
import { createLand } from './land.js';
import { createResolveBase } from './resolve-base.js';

type GitActivities = Pick<CoordinatorActivities, 'resolveBase' | 'commitCandidate' | 'carryOver' | 'land'>;

/** The activities that work with Git alone. */
export const createGitActivities = (env: ActivityEnvironment): GitActivities => ({
  resolveBase: createResolveBase(env),
  commitCandidate: createCommitCandidate(env),
  carryOver: createCarryOver(env),
  land: createLand(env),
});
