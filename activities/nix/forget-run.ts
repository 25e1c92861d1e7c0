import { rmdir } from 'node:fs/promises';
import path from 'node:path';
import type { MachineActivities } from '../../model/activities.js';
import type { ActivityEnvironment } from '../environment.js';
import { names, recordAt, releaseRecord } from './build-record.js';
import { endBuild } from './build-session.js';
import { releaseEvaluations } from './evaluations.js';
import { runDirectoryName } from './record-directory.js';

/**
 * Makes the activity that lets go of a closed run on this machine: builds that still run are ended, GC roots and leases
 * removed. Logs and verdicts stay, for the report names them. Safe to repeat.
 */
export const createForgetRun =
  (env: ActivityEnvironment): MachineActivities['forgetRun'] =>
  async ({ run }) => {
    const directory = path.join(env.state.builds, runDirectoryName(run));
    for (const name of await names(directory)) {
      const record = recordAt(path.join(directory, name));
      await endBuild(record);
      await releaseRecord(record);
      // Succeeds only for a folder that nothing was kept in, which is then of no use.
      await rmdir(record.directory).catch(() => undefined);
    }
    await releaseEvaluations(env, run);
  };
