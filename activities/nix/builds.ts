import type { BuilderActivities, MachineActivities } from '../../model/contract/activities.js';
import type { ActivityEnvironment } from '../environment.js';
import { forgetRecords } from '../supervised/forget-records.js';
import { createReadLog } from '../supervised/read-log.js';
import { createBuildTarget } from './build/build-target.js';
import { createCompareClosures } from './closure/compare-closures.js';
import { releaseEvaluations } from './evaluate/evaluations.js';

/** What a builder offers on the queue of each system that it builds for. */
export const createBuilderActivities = (env: ActivityEnvironment): BuilderActivities => ({
  buildTarget: createBuildTarget(env),
});

export const createMachineActivities = (env: ActivityEnvironment) =>
  ({
    // The same as building: a live build is attached to, an ended one has its verdict in the record, one that is lost starts again.
    attachBuild: createBuildTarget(env),
    readLog: createReadLog(env),
    compareClosures: createCompareClosures(env),
    forgetRun: createForgetRun(env),
  }) satisfies Partial<MachineActivities>;

/** Makes the activity that lets go of a closed run on this machine. Safe to repeat. */
export const createForgetRun =
  (env: ActivityEnvironment): MachineActivities['forgetRun'] =>
  async ({ run }) => {
    await Promise.all([forgetRecords(env.state, run), releaseEvaluations(env, run)]);
  };
