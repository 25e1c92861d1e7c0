import { asksForProof } from '../../host/payload-proof.js';
import type { Instance } from '../../model/config/options/index.js';
import { watcherId } from '../../model/run/ids.js';
import { userOf } from '../../model/run/queues.js';
import { optionsDigest } from '../../model/run/keys.js';
import { LOOK_NOW, PAUSE_WATCH, SET_WATCH, type LookNow, type PauseWatch } from '../../model/run/messages.js';
import type { RunOptions } from '../../model/run/options.js';
import {
  newWatch,
  readWatchMemo,
  watchStart,
  type SetWatch,
  type ShownWatch,
  type Watch,
} from '../../model/watch/watch.js';
import { runQueue, startOptions } from '../runs/start-run.js';
import type { Session } from '../server/connection.js';
import type { Change } from './apply.js';

const OPEN_WATCHERS = 'WorkflowType = "watchRepository" AND ExecutionStatus = "Running"';

export interface ListedWatch extends ShownWatch {
  readonly workflowId: string;
  readonly taskQueue: string;
}

/** The watchers of main branches that the server has, whatever the configuration. What it lists is not proven, and only shown. */
export async function listWatchers(session: Session): Promise<readonly ListedWatch[]> {
  const found: ListedWatch[] = [];
  for await (const each of session.client.workflow.list({ query: OPEN_WATCHERS, pageSize: 500 })) {
    const shown = readWatchMemo(each.memo);
    const { workflowId, taskQueue } = each;
    if (shown !== null && workflowId === watcherId(shown.instance, userOf(taskQueue)))
      found.push({ ...shown, workflowId, taskQueue });
  }
  return found;
}

/** The watcher of an instance, as it proves where a key is used; `null` when it has none. */
export async function watcherOf(session: Session, instance: string): Promise<ListedWatch | null> {
  const listed = (await listWatchers(session)).filter((each) => each.instance === instance);
  for (const { workflowId, taskQueue } of listed) {
    const found = await openWatcher(session, workflowId, taskQueue);
    if (found?.shown?.instance === instance) return { ...found.shown, workflowId, taskQueue };
  }
  return null;
}

/** What the watcher of an instance is to do. */
export function desiredWatch(lockkeeper: string, { poll }: Instance, options: RunOptions): Watch {
  const { args, memo, staticSummary } = startOptions(options);
  const watch = { lockkeeper, pollSeconds: poll ?? 0, options: args[0], run: { memo, staticSummary } };
  return { ...watch, digest: optionsDigest(watch) };
}

/** Makes the watcher of an instance what it should be, with one message: safe to repeat. */
export async function establishWatcher(session: Session, watch: Watch, dryRun: boolean): Promise<Change> {
  const { instance } = watch.options;
  const start = watchStart(newWatch(watch), runQueue(watch.options));
  const { workflowId, taskQueue } = start;
  const found = await openWatcher(session, workflowId, taskQueue);
  const ours = found?.shown ?? null;
  if (ours?.digest === watch.digest) return { kind: 'unchanged', instance };
  if (ours !== null && ours.lockkeeper !== watch.lockkeeper)
    throw new Error(
      `the watcher ${workflowId} belongs to the configuration "${ours.lockkeeper}": give the instance another name`,
    );
  if (found !== null && ours === null) {
    if (!asksForProof(session.client))
      throw new Error(
        `the workflow ${workflowId} is not ours: give the instance another name, or end it: "temporal workflow terminate --address ${session.address} --namespace ${session.namespace} -w ${workflowId}"`,
      );
    if (!dryRun) await end(session, workflowId, 'It stood in the place of a watcher of Lockkeeper, without proof.');
  }
  if (!dryRun)
    await session.client.workflow.signalWithStart('watchRepository', {
      ...start,
      workflowId,
      signal: SET_WATCH,
      signalArgs: [{ about: SET_WATCH, watch } satisfies SetWatch],
    });
  if (ours === null) return { kind: 'created', instance };
  return { kind: 'updated', instance, changed: [ours.pollSeconds === watch.pollSeconds ? 'options' : 'poll'] };
}

/**
 * What is open under the id of a watcher; `null` when nothing is.
 * @returns `shown`: what it says of itself, which counts only where it is proven; `null` when it is something else
 */
async function openWatcher(
  session: Session,
  workflowId: string,
  queue: string,
): Promise<{ readonly shown: ShownWatch | null } | null> {
  const { WorkflowNotFoundError } = await import('@temporalio/client');
  try {
    const { memo, status, type, taskQueue } = await session.client.workflow.getHandle(workflowId).describe();
    if (status.name !== 'RUNNING') return null;
    return { shown: type === 'watchRepository' && taskQueue === queue ? readWatchMemo(memo) : null };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

/** Ends a watcher whose instance is configured no more. A run that it has started goes on. Safe to repeat. */
export async function endWatcher(
  session: Session,
  { workflowId, instance }: Pick<ListedWatch, 'workflowId' | 'instance'>,
  dryRun: boolean,
): Promise<Change> {
  if (!dryRun) await end(session, workflowId, 'its instance watches main no more');
  return { kind: 'removed', instance };
}

async function end(session: Session, workflowId: string, why: string): Promise<void> {
  const { WorkflowNotFoundError } = await import('@temporalio/client');
  try {
    await session.client.workflow.getHandle(workflowId).terminate(why);
  } catch (error) {
    // Ended before, and still listed.
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

export const watcherOfRun = ({ options }: Watch): string => watcherId(options.instance, options.user ?? null);

export const pauseWatcher = (session: Session, { workflowId }: ListedWatch, paused: string | null): Promise<void> =>
  session.client.workflow.getHandle(workflowId).signal<[PauseWatch]>(PAUSE_WATCH, { about: PAUSE_WATCH, paused });

export const askWatcher = (session: Session, { workflowId }: ListedWatch): Promise<void> =>
  session.client.workflow.getHandle(workflowId).signal<[LookNow]>(LOOK_NOW, { about: LOOK_NOW, again: true });
