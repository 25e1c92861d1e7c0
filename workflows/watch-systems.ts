import { CancellationScope, isCancellation, log, patched, proxyActivities, sleep } from '@temporalio/workflow';
import type { PresenceActivities } from '../model/activities.js';
import { presenceQueue } from '../model/queues.js';
import { watchPollers } from './watch-pollers.js';
import { ownQueue, workerCommand } from './own-queue.js';

/** Seconds after which a build that has not ended is looked after: quick ones cost one timer and no look. */
const QUICK = 6;

/** Seconds in which a worker answers that has nothing else to do: with `QUICK`, ten until people are told. */
const ANSWER = 4;

/** A build that may be waiting for a machine of its system. */
export interface Waiting {
  /** Called when nobody serves the system, and with `null` when somebody does again. */
  readonly tell: (waitsFor: string | null) => Promise<void>;
  readonly giveUp: (reason: string) => void;
  /** Whether one machine has it, which is waited for as long as the takeover time, whoever else is there. */
  readonly isHeld: () => boolean;
}

/** A system that builds wait for. */
interface Watched {
  readonly system: string;
  readonly builds: Set<Waiting>;
  /** What the builds were told. */
  waitsFor: string | null;
  /** Ends the watch, once it asks. */
  end: () => void;
}

/**
 * Looks after systems that builds wait for: a task on a queue without workers waits in silence. Workers answer on a queue
 * of its own for each system, because one whose slots are all taken does not poll for builds, and is there none the less.
 * @param limit seconds after which the builds of a system that nobody serves are given up
 * @returns a function that adds a build, and gives one that takes it off again
 */
export function watchSystems(limit: number): (system: string, build: Waiting) => () => void {
  const systems = new Map<string, Watched>();
  return (system, build) => {
    const known = systems.get(system);
    const watched = known ?? { system, builds: new Set(), waitsFor: null, end: () => undefined };
    watched.builds.add(build);
    if (known === undefined) {
      systems.set(system, watched);
      watch(watched, limit, () => systems.delete(system)).catch((error: unknown) => {
        if (!isCancellation(error))
          log.warn(`whether ${system} is served is not watched any more`, { error: String(error) });
      });
    } else if (watched.waitsFor !== null) {
      // Who cannot be told has ended, and needs it no more.
      build.tell(watched.waitsFor).catch(() => undefined);
    }
    return () => {
      watched.builds.delete(build);
      if (watched.builds.size === 0) watched.end();
    };
  };
}

async function watch(watched: Watched, limit: number, forget: () => void): Promise<void> {
  await sleep(QUICK * 1000, { summary: `look whether ${watched.system} is served` });
  // replay-tested: 2026-11-25, test/replay/0.1.0
  if (!patched('ask-who-is-present')) {
    await watchPollers(watched.system, watched.builds, limit);
    return;
  }
  try {
    if (watched.builds.size === 0) return;
    const asking = new CancellationScope();
    watched.end = () => {
      asking.cancel();
    };
    await asking.run(() => watchPresence(watched, limit));
  } finally {
    forget();
  }
}

/** Until the watch is ended, or the builds are given up. */
async function watchPresence(watched: Watched, limit: number): Promise<void> {
  const { system } = watched;
  for (;;) {
    if (!(await answers(system, ANSWER))) {
      await tell(watched, `waits for a worker of ${system}: start "${workerCommand()}" on such a machine`);
      if (!(await answers(system, limit))) {
        const unserved = [...watched.builds].filter((build) => !build.isHeld());
        const isOver = unserved.length === watched.builds.size;
        for (const build of unserved) build.giveUp(`no worker serves ${system}, and none came within ${limit} seconds`);
        if (isOver) return;
        continue;
      }
      await tell(watched, null);
    }
    await workerGone(system);
  }
}

async function tell(watched: Watched, waitsFor: string | null): Promise<void> {
  watched.waitsFor = waitsFor;
  await Promise.all([...watched.builds].map((build) => build.tell(waitsFor)));
}

const present = (system: string, patience: number) =>
  proxyActivities<PresenceActivities>({
    taskQueue: ownQueue(presenceQueue(system)),
    summary: `see whether ${system} is served`,
    scheduleToStartTimeout: patience * 1000,
    startToCloseTimeout: '14 hours',
    heartbeatTimeout: '5 seconds',
    retry: { maximumAttempts: 1 },
  });

/** Whether a worker answers within so many seconds. One that dies over it has not answered. */
async function answers(system: string, seconds: number): Promise<boolean> {
  const end = Date.now() + seconds * 1000;
  for (let left = seconds; left > 0; left = (end - Date.now()) / 1000) {
    try {
      await present(system, left).answer();
      return true;
    } catch (error) {
      if (isCancellation(error)) throw error;
    }
  }
  return false;
}

/** Resolves when the worker that answered, or another one, has died or stopped. */
async function workerGone(system: string): Promise<void> {
  try {
    await present(system, ANSWER).stay();
  } catch (error) {
    if (isCancellation(error)) throw error;
  }
}
