import type { MachineActivities } from '../../../model/contract/activities.js';
import type { ActivityEnvironment } from '../../environment.js';
import { createBuildTarget } from './build-target.js';

/**
 * Makes the activity that follows a build which this machine started before. It is the same as building: a live build is
 * attached to, an ended one has its verdict in the record, and one of which nothing is left starts again.
 */
export const createAttachBuild = (env: ActivityEnvironment): MachineActivities['attachBuild'] => createBuildTarget(env);
