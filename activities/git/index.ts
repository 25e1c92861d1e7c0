import type { CoordinatorActivities } from '../../model/contract/activities.js';
import type { ActivityEnvironment } from '../environment.js';
import { createApplyFix } from './apply-fix.js';
import { createCarryOver } from './carry-over.js';
import { createComposeCandidate, createGroupInputs } from './compose-candidate.js';
import { createFindComparison } from './find-comparison.js';
import { createLand } from './land.js';
import { createLookAtMain } from './look-at-main.js';
import { createMoveChannels } from './move-channels.js';
import { createRemoveBranches } from './remove-branches.js';
import { createResolveBase } from './resolve-base.js';

export const createGitActivities = (env: ActivityEnvironment) =>
  ({
    resolveBase: createResolveBase(env),
    findComparison: createFindComparison(env),
    groupInputs: createGroupInputs(env),
    composeCandidate: createComposeCandidate(env),
    applyFix: createApplyFix(env),
    carryOver: createCarryOver(env),
    land: createLand(env),
    lookAtMain: createLookAtMain(env),
    moveChannels: createMoveChannels(env),
    removeBranches: createRemoveBranches(env),
  }) satisfies Partial<CoordinatorActivities>;
