import type { CoordinatorActivities, EvaluatorActivities } from '../../model/contract/activities.js';
import type { ActivityEnvironment } from '../environment.js';
import { lookAhead } from './closure/derivations-apart.js';
import { createCompareWithBase, createEvaluateTarget, createFindInPlan } from './evaluate/evaluate-target.js';
import { createCommitCandidate } from './lock/commit-candidate.js';
import { createListTargets } from './lock/list-targets.js';
import { createReadCommits } from './lock/read-commits.js';
import { createUpdateLock } from './lock/update-lock.js';

export const createLockActivities = (env: ActivityEnvironment) =>
  ({
    listTargets: createListTargets(env),
    updateLock: createUpdateLock(env),
    commitCandidate: createCommitCandidate(env),
    readCommits: createReadCommits(env),
  }) satisfies Partial<CoordinatorActivities>;

export const createEvaluatorActivities = (env: ActivityEnvironment): EvaluatorActivities => ({
  evaluateTarget: createEvaluateTarget(env),
  compareWithBase: createCompareWithBase(env, lookAhead),
  findInPlan: createFindInPlan(env),
});
