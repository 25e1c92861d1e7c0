import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSession, type Session } from '../server/connection.js';
import type { CommandContext } from '../context.js';
import { takeSnapshot, type Snapshot } from './snapshot.js';
import type { Renderer } from '../progress/view.js';
import { runEnd, type RunEnd } from './run-end.js';

const EARLY_MS = 500;
const LATER_MS = 1000;
const EARLY_FOR_MS = 5000;
/** Longest pause, and the share of the time that looking may take: run, server and worker answer each look, and have work to do. */
const LONGEST_MS = 5000;
const SHARE = 1 / 4;

export interface Following {
  readonly renderer: Renderer;
  /** Stops looking. */
  readonly signal: AbortSignal;
  /** What is done, or to be done, about a run that nobody works on: see `runWorkerProblem`. */
  readonly remedy: string | null;
}

/**
 * Follows a run to its end and lets the renderer draw it. A server that goes away is waited for: the run goes on there.
 * @returns how it ended, or `null` when `signal` said to stop looking
 */
export async function follow(
  context: CommandContext,
  session: Session,
  run: string,
  { renderer, signal, remedy }: Following,
): Promise<RunEnd | null> {
  const ended = new AbortController();
  const over = AbortSignal.any([signal, ended.signal]);
  // The SDK adds a listener for each call and removes none: a long run would end in a warning of Node's.
  setMaxListeners(0, over);
  const live = { session };
  const watching = watch(live, run, { renderer, signal: over, remedy });
  try {
    return await Promise.race([untilClosed(context, live, run, over), aborted(signal)]);
  } finally {
    ended.abort();
    await watching;
  }
}

/** The connection in use: the embedded server may be started anew at another address. */
interface Live {
  session: Session;
}

async function watch(live: Live, run: string, { renderer, signal: over, remedy }: Following): Promise<void> {
  const start = Date.now();
  let snapshot: Snapshot | null = null;
  const stopped = (): boolean => over.aborted;
  while (!stopped()) {
    const lookedAt = Date.now();
    try {
      snapshot = await takeSnapshot(live.session, run, snapshot, remedy);
      if (!stopped()) renderer.update(snapshot.view);
    } catch {
      const problem = `the server at ${live.session.address} does not answer; trying again`;
      if (snapshot !== null && !stopped()) renderer.update({ ...snapshot.view, problem });
    }
    const now = Date.now();
    const least = now - start < EARLY_FOR_MS ? EARLY_MS : LATER_MS;
    const pause = Math.min(Math.max(least, (now - lookedAt) / SHARE), LONGEST_MS);
    await sleep(pause, undefined, { signal: over }).catch(() => undefined);
  }
}

async function untilClosed(
  context: CommandContext,
  live: Live,
  run: string,
  over: AbortSignal,
): Promise<RunEnd | null> {
  const { ServiceError, WorkflowNotFoundError } = await import('@temporalio/client');
  const stopped = (): boolean => over.aborted;
  while (!stopped()) {
    try {
      const { session } = live;
      return await session.client.withAbortSignal(over, () => runEnd(session, run, context.state));
    } catch (error) {
      if (stopped()) break;
      if (!(error instanceof ServiceError) || error instanceof WorkflowNotFoundError) throw error;
      await sleep(LATER_MS);
      live.session = await openSession(context, 'follow').catch(() => live.session);
    }
  }
  return null;
}

const aborted = (signal: AbortSignal): Promise<null> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(null);
    signal.addEventListener('abort', () => {
      resolve(null);
    });
  });
