import type { CoordinatorActivities } from '../../model/activities.js';
import type { ActivityEnvironment } from '../environment.js';
import { createCarryOver } from './carry-over.js';
import { createCommitCandidate } from './commit.js';
import { heartbeating } from './heartbeating.js';
import { createLand } from './land.js';
import { createResolveBase } from './resolve-base.js';

type GitActivities = Pick<CoordinatorActivities, 'resolveBase' | 'commitCandidate' | 'carryOver' | 'land'>;

/** The activities that work with Git alone. */
export const createGitActivities = (env: ActivityEnvironment): GitActivities => ({
  resolveBase: heartbeating(createResolveBase(env)),
  commitCandidate: heartbeating(createCommitCandidate(env)),
  carryOver: heartbeating(createCarryOver(env)),
  land: heartbeating(createLand(env)),
});
