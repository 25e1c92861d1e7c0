import type { BuilderActivities, MachineActivities } from '../../model/contract/activities.js';
import type { ActivityEnvironment } from '../environment.js';
import { createAttachBuild } from './build/attach-build.js';
import { createBuildTarget } from './build/build-target.js';
import { createForgetRun } from './build/forget-run.js';
import { createReadLog } from './build/read-log.js';

/** What a builder offers on the queue of each system that it builds for. */
export const createBuilderActivities = (env: ActivityEnvironment): BuilderActivities => ({
  buildTarget: createBuildTarget(env),
});

/** What a builder offers of builds on its own queue. */
export const createMachineActivities = (
  env: ActivityEnvironment,
): Pick<MachineActivities, 'attachBuild' | 'readLog' | 'forgetRun'> => ({
  attachBuild: createAttachBuild(env),
  readLog: createReadLog(env),
  forgetRun: createForgetRun(env),
});
