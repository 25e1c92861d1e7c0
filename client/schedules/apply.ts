import { messageOf } from '../../model/text/message-of.js';
import { compareNaturally } from '../../model/text/natural-order.js';
import type { Session } from '../server/connection.js';
import { askedAgain } from './asked-again.js';
import { differences } from './compare.js';
import type { Desired } from './desired.js';
import { endRecords, listRecords, moveRecord, type ListedRecord } from './records.js';
import { listOwned, ownershipOf, type Owned } from './owned.js';
import type { Watch } from '../../model/watch/watch.js';
import { endWatcher, establishWatcher, listWatchers, watcherOfRun } from './watchers.js';
import { sideBySide } from '../../host/side-by-side.js';

export type Change =
  | { readonly kind: 'created' | 'removed' | 'unchanged'; readonly instance: string }
  | { readonly kind: 'updated'; readonly instance: string; readonly changed: readonly string[] }
  | { readonly kind: 'failed'; readonly instance: string; readonly reason: string };

export interface Wanted {
  readonly owner: string;
  readonly schedules: readonly Desired[];
  readonly watches: readonly Watch[];
  /** Instances whose schedule or watcher stays as it is, if there is one, because what it should be is not known. */
  readonly leave: readonly string[];
  /** Every instance of the configuration, also those without a schedule: the records of the others are ended. */
  readonly configured: readonly string[];
}

const NOT_CONFIGURED = 'its instance is configured no more';

/** Schedules that the server makes side by side, in half the time. It describes no more of them in a second that way. */
const NEW_AT_ONCE = 4;

/**
 * Makes the schedules and watchers of one owner what they should be, and touches no others. Each step is safe to repeat and stands by itself:
 * after an end in the middle, doing it again does the rest. An operator's pause stays.
 */
export async function applySchedules(session: Session, wanted: Wanted, dryRun: boolean): Promise<readonly Change[]> {
  const owned = await listOwned(session);
  const listed = new Set(owned.map(({ scheduleId }) => scheduleId));
  const isListed = ({ scheduleId }: Desired): boolean => listed.has(scheduleId);
  const make = (desired: Desired): Promise<Change> =>
    guarded(desired.memo.instance, () => establish(session, wanted.owner, desired, isListed(desired), dryRun));
  const known = wanted.schedules.filter((each) => isListed(each) && !wanted.leave.includes(each.memo.instance));
  const unknown = wanted.schedules.filter((desired) => !isListed(desired));
  const changes = [...(await sideBySide(unknown, NEW_AT_ONCE, make)), ...(await sideBySide(known, 1, make))];
  const names = new Set([...wanted.schedules.map(({ memo }) => memo.instance), ...wanted.leave]);
  const surplus = owned.filter(({ lockkeeper, instance }) => lockkeeper === wanted.owner && !names.has(instance));
  const watchers = new Set(wanted.watches.map(watcherOfRun));
  const idle = (await listWatchers(session)).filter(
    ({ lockkeeper, instance, workflowId }) =>
      lockkeeper === wanted.owner && !watchers.has(workflowId) && !wanted.leave.includes(instance),
  );
  const records = surplus.length + idle.length === 0 || dryRun ? [] : await listRecords(session);
  const recordsOf = (instance: string): readonly ListedRecord[] =>
    wanted.configured.includes(instance) ? [] : records.filter((record) => record.instance === instance);
  for (const schedule of surplus) {
    const { instance } = schedule;
    changes.push(await guarded(instance, () => remove(session, schedule, recordsOf(instance), dryRun)));
  }
  for (const watcher of idle) {
    const { instance } = watcher;
    changes.push(
      await guarded(instance, async () => {
        if (!dryRun) await endRecords(session, recordsOf(instance), NOT_CONFIGURED);
        return await endWatcher(session, watcher, dryRun);
      }),
    );
  }
  for (const watch of wanted.watches)
    changes.push(await guarded(watch.options.instance, () => establishWatcher(session, watch, dryRun)));
  return changes.sort((a, b) => compareNaturally(a.instance, b.instance));
}

async function guarded(instance: string, work: () => Promise<Change>): Promise<Change> {
  try {
    return await work();
  } catch (error) {
    return { kind: 'failed', instance, reason: messageOf(error) };
  }
}

/** @param isListed whether the server lists such a schedule; a new one is listed a moment later */
async function establish(
  session: Session,
  owner: string,
  desired: Desired,
  isListed: boolean,
  dryRun: boolean,
): Promise<Change> {
  const instance = desired.memo.instance;
  const { schedule } = session.client;
  const { ScheduleAlreadyRunning } = await import('@temporalio/client');
  if (!isListed) {
    try {
      if (dryRun) return (await exists(session, desired.scheduleId)) ? await compare() : { kind: 'created', instance };
      await schedule.create(desired);
      return { kind: 'created', instance };
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    }
  }
  return await compare();

  async function compare(): Promise<Change> {
    const handle = schedule.getHandle(desired.scheduleId);
    const found = await askedAgain(() => handle.describe());
    const theirs = ownershipOf(found.memo);
    if (theirs?.lockkeeper !== owner) {
      const whose = theirs === null ? 'is not ours' : `belongs to the configuration "${theirs.lockkeeper}"`;
      throw new Error(
        `the schedule ${desired.scheduleId} exists and ${whose}: give the instance another name${theirs === null ? '' : `, or this configuration that one (name = "${theirs.lockkeeper}")`}`,
      );
    }
    const changed = differences(desired, found);
    if (changed.length === 0) return { kind: 'unchanged', instance };
    const { spec, action, policies } = desired;
    if (dryRun) return { kind: 'updated', instance, changed };
    // Before the update: after an end in the middle, the queue still differs.
    if (changed.includes('task queue')) await moveRecord(session, instance, action.taskQueue);
    await handle.update(({ state }) => ({ spec, action, policies, state }));
    return { kind: 'updated', instance, changed };
  }
}

async function exists(session: Session, id: string): Promise<boolean> {
  const { ScheduleNotFoundError } = await import('@temporalio/client');
  try {
    const handle = session.client.schedule.getHandle(id);
    await askedAgain(() => handle.describe());
    return true;
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return false;
    throw error;
  }
}

/** The schedule goes last: after an end in the middle it is still there to be removed. */
async function remove(
  session: Session,
  { scheduleId, instance }: Owned,
  records: readonly ListedRecord[],
  dryRun: boolean,
): Promise<Change> {
  if (dryRun) return { kind: 'removed', instance };
  const { ScheduleNotFoundError } = await import('@temporalio/client');
  await endRecords(session, records, NOT_CONFIGURED);
  try {
    await session.client.schedule.getHandle(scheduleId).delete();
  } catch (error) {
    // Removed before, and still listed.
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
  return { kind: 'removed', instance };
}
