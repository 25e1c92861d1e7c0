import { rmdir } from 'node:fs/promises';
import path from 'node:path';
import type { MachineActivities } from '../../../model/contract/activities.js';
import type { ActivityEnvironment } from '../../environment.js';
import { names, readStatus, recordAt, releaseRecord, type BuildRecord } from './build-record.js';
import { endBuild } from './build-session.js';
import { releaseEvaluations } from '../evaluate/evaluations.js';
import { runDirectoryName } from '../record-directory.js';

/**
 * Makes the activity that lets go of a closed run on this machine: builds that still run are ended, GC roots and leases
 * removed. Logs and verdicts stay, for the report names them. Safe to repeat.
 */
export const createForgetRun =
  (env: ActivityEnvironment): MachineActivities['forgetRun'] =>
  async ({ run }) => {
    const directory = path.join(env.state.builds, runDirectoryName(run));
    const records = (await names(directory)).map((name) => recordAt(path.join(directory, name)));
    await Promise.all([...records.map(release), releaseEvaluations(env, run)]);
  };

async function release(record: BuildRecord): Promise<void> {
  // Looking for what is left of a build reads all of /proc; most builds have ended by themselves.
  if ((await readStatus(record)) === null) await endBuild(record);
  await releaseRecord(record);
  // Succeeds only for a folder that nothing was kept in, which is then of no use.
  await rmdir(record.directory).catch(() => undefined);
}
