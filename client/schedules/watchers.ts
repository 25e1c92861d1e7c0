import type { Instance } from '../../model/config/options/index.js';
import { watcherId } from '../../model/run/ids.js';
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

/** The watchers of main branches that the server has, whatever the configuration. */
export async function listWatchers(session: Session): Promise<readonly ListedWatch[]> {
  const found: ListedWatch[] = [];
  for await (const each of session.client.workflow.list({ query: OPEN_WATCHERS, pageSize: 500 })) {
    const shown = readWatchMemo(each.memo);
    if (shown !== null) found.push({ ...shown, workflowId: each.workflowId, taskQueue: each.taskQueue });
  }
  return found;
}

/** The watcher of an instance; `null` when it has none. */
export const watcherOf = async (session: Session, instance: string): Promise<ListedWatch | null> =>
  (await listWatchers(session)).find((each) => each.instance === instance) ?? null;

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
  const { workflowId } = start;
  const found = await openWatcher(session, workflowId);
  if (found?.digest === watch.digest) return { kind: 'unchanged', instance };
  if (found !== null && found.lockkeeper !== watch.lockkeeper)
    throw new Error(
      `the watcher ${workflowId} ${found.lockkeeper === null ? 'is not ours' : `belongs to the configuration "${found.lockkeeper}"`}: give the instance another name`,
    );
  if (!dryRun)
    await session.client.workflow.signalWithStart('watchRepository', {
      ...start,
      workflowId,
      signal: SET_WATCH,
      signalArgs: [{ about: SET_WATCH, watch } satisfies SetWatch],
    });
  if (found === null) return { kind: 'created', instance };
  return { kind: 'updated', instance, changed: [found.pollSeconds === watch.pollSeconds ? 'options' : 'poll'] };
}

/** What an open watcher says of itself, nothing of which counts where it is not proven; `null` when there is none. */
async function openWatcher(session: Session, workflowId: string) {
  const { WorkflowNotFoundError } = await import('@temporalio/client');
  try {
    const { memo, status } = await session.client.workflow.getHandle(workflowId).describe();
    if (status.name !== 'RUNNING') return null;
    return readWatchMemo(memo) ?? { lockkeeper: null, digest: null, pollSeconds: null };
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
  const { WorkflowNotFoundError } = await import('@temporalio/client');
  try {
    if (!dryRun) await session.client.workflow.getHandle(workflowId).terminate('its instance watches main no more');
  } catch (error) {
    // Ended before, and still listed.
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
  return { kind: 'removed', instance };
}

/** Id of the watcher that is to do it. */
export const watcherOfRun = ({ options }: Watch): string => watcherId(options.instance, options.user ?? null);

export const pauseWatcher = (session: Session, { workflowId }: ListedWatch, paused: string | null): Promise<void> =>
  session.client.workflow.getHandle(workflowId).signal<[PauseWatch]>(PAUSE_WATCH, { about: PAUSE_WATCH, paused });

export const askWatcher = (session: Session, { workflowId }: ListedWatch): Promise<void> =>
  session.client.workflow.getHandle(workflowId).signal<[LookNow]>(LOOK_NOW, { about: LOOK_NOW, again: true });
