import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { ProcessIdentity } from '../../model/state-directory.js';
import { hasFields, readJson, writeWhole } from './atomic-file.js';
import { names, type BuildRecord } from './build-record.js';
import { ownIdentity } from './own-identity.js';

/** An attempt that follows a build: what a later worker needs to tell the server that nobody does any more. */
export interface HeldTask {
  /** Temporal's task token, base64. */
  readonly token: string;
  readonly workflowId: string;
  readonly activityId: string;
  /** The worker that holds it. */
  readonly worker: ProcessIdentity;
}

export interface HeldTaskFile {
  readonly file: string;
  readonly task: HeldTask;
}

/** Notes that this attempt follows the build. Gives the path of the note: remove it when the attempt has its answer. */
export async function holdTask(record: BuildRecord, task: Omit<HeldTask, 'worker'>): Promise<string> {
  const held: HeldTask = { ...task, worker: await ownIdentity() };
  const name = createHash('sha256').update(task.token).digest('hex').slice(0, 24);
  const file = path.join(record.tasks, name);
  await writeWhole(file, JSON.stringify(held));
  return file;
}

export const dropTask = (file: string): Promise<void> => rm(file, { force: true });

export async function heldTasks(record: BuildRecord): Promise<readonly HeldTaskFile[]> {
  const found: HeldTaskFile[] = [];
  for (const name of await names(record.tasks)) {
    const file = path.join(record.tasks, name);
    const task = await readJson(file, hasFields<HeldTask>('token', 'workflowId', 'activityId', 'worker'));
    if (task !== null) found.push({ file, task });
  }
  return found;
}
