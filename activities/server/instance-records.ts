import { Context } from '@temporalio/activity';
import { ScheduleNotFoundError, WithStartWorkflowOperation, type Client } from '@temporalio/client';
import type { CoordinatorActivities } from '../../model/contract/activities.js';
import { scheduleId, watcherId } from '../../model/run/ids.js';
import { userOf } from '../../model/run/queues.js';
import { readWatchMemo } from '../../model/watch/watch.js';
import { isOverdue, newRecord, readRecordMemo, type Overdue, type ShownRecord } from '../../model/instance/record.js';
import { RECORD_END } from '../../model/run/messages.js';
import { recordStart } from '../../model/instance/record-start.js';
import { asksForProof } from '../../host/payload-proof.js';
import { getsOn } from './gets-on.js';
import { endImpostor, openWorkflow } from './impostors.js';
import { plural } from '../../model/report/words.js';
import { isFailure } from '../../model/report/data.js';

/**
 * The records of instances, in a workflow each: see `workflows/record-instance.ts`.
 *
 * Counting is safe to repeat: an update's id, and beyond its history the record itself, know the ends that were counted. A
 * schedule that is paused stays as it is.
 */
export const recordEnd: CoordinatorActivities['recordEnd'] = async ({ instance, limit, ...end }) => {
  const { client } = Context.current();
  await makeRoom(client, instance);
  const startWorkflowOperation = new WithStartWorkflowOperation('recordInstance', newRecordStart(instance));
  const count = await client.workflow.executeUpdateWithStart<never, number, [typeof end]>(RECORD_END, {
    args: [end],
    updateId: end.run,
    startWorkflowOperation: startWorkflowOperation as never,
  });
  const alarm = isFailure(end.outcome) && count >= limit.failures;
  const paused = alarm && limit.pauses && (await pauseSchedule(client, instance, count));
  return { count, alarm, paused };
};

/** Safe to repeat: it begins the records that are missing, and else only reads. */
export const findOverdue: CoordinatorActivities['findOverdue'] = async ({ watched, at }) => {
  const { client } = Context.current();
  const found: Overdue[] = [];
  for (const { instance, limitSeconds } of watched) {
    const record = await lookUp(client, instance);
    if (record === null || !isOverdue(record, limitSeconds, new Date(at))) continue;
    // While nobody pushes, a watcher has nothing to start.
    if (record.failures > 0 || !(await isWatched(client, instance, limitSeconds, at)))
      found.push({ ...record, paused: await isPaused(client, instance) });
  }
  return found;
};

/** How the record of an instance is begun where there is none. */
export const newRecordStart = (instance: string) =>
  recordStart(newRecord(instance, new Date()), Context.current().info.taskQueue);

/** A record on another queue than ours, or of somebody else's, would never answer. */
export async function makeRoom(client: Client, instance: string): Promise<void> {
  if (!asksForProof(client)) return;
  const { workflowId, taskQueue } = newRecordStart(instance);
  const found = await openWorkflow(client, workflowId);
  if (found !== null && (found.taskQueue !== taskQueue || readRecordMemo(found.memo)?.instance !== instance))
    await endImpostor(client, found);
}

async function lookUp(client: Client, instance: string): Promise<ShownRecord | null> {
  await makeRoom(client, instance);
  const handle = await client.workflow.start('recordInstance', newRecordStart(instance));
  return readRecordMemo((await handle.describe()).memo);
}

/** Whether main is watched for an instance and nothing keeps its watcher from looking, nor the run from ending that it waits for. */
async function isWatched(client: Client, instance: string, limitSeconds: number, at: string): Promise<boolean> {
  const watcher = await openWorkflow(client, watcherId(instance, userOf(Context.current().info.taskQueue)));
  const shown = readWatchMemo(watcher?.memo);
  if (watcher === null || shown?.verified == null || shown.paused !== null || shown.trouble !== null) return false;
  return await getsOn(client, watcher, limitSeconds, Date.parse(at));
}

/** Whether the instance has a schedule that is paused now. */
async function pauseSchedule(client: Client, instance: string, failures: number): Promise<boolean> {
  return await ifThere(async () => {
    const handle = client.schedule.getHandle(scheduleId(instance));
    const { state } = await handle.describe();
    if (!state.paused) await handle.pause(`${plural(failures, 'failure')} in a row`);
    return true;
  });
}

const isPaused = (client: Client, instance: string): Promise<boolean> =>
  ifThere(async () => (await client.schedule.getHandle(scheduleId(instance)).describe()).state.paused);

/** An instance need not have a schedule. */
async function ifThere(look: () => Promise<boolean>): Promise<boolean> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return false;
    throw error;
  }
}
