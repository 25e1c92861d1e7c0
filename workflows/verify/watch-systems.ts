import {
  ActivityCancellationType,
  CancellationScope,
  isCancellation,
  log,
  patched,
  proxyActivities,
  sleep,
} from '@temporalio/workflow';
import type { PresenceActivities } from '../../model/contract/activities.js';
import { presenceQueue } from '../../model/run/queues.js';
import { watchPollers } from './watch-pollers.js';
import { ownQueue, workerCommand } from '../calls/own-queue.js';

/** Seconds after which a build that has not ended is looked after: quick ones cost one timer and no look. */
const QUICK = 6;

/** Seconds in which a worker answers that has nothing else to do: with `QUICK`, ten until people are told. */
const ANSWER = 4;

export interface Waiting {
  /** Called when nobody serves the system, and with `null` when somebody does again. */
  readonly tell: (waitsFor: string | null) => Promise<void>;
  readonly giveUp: (reason: string) => void;
  /** Whether one machine has it, which is waited for as long as the takeover time, whoever else is there. */
  readonly isHeld: () => boolean;
}

interface Watched {
  readonly system: string;
  readonly builds: Set<Waiting>;
  /** What the builds were told. */
  waitsFor: string | null;
  /** Ends the watch, once it asks. */
  end: () => void;
}

export interface Watch {
  /** Adds a build of a system; what it gives takes it off again. */
  readonly watch: (system: string, build: Waiting) => () => void;
  /** Ends what is left, and resolves when no activity is under way: one that outlives its workflow looks like a fault. */
  readonly over: () => Promise<void>;
}

interface Asking {
  readonly end: () => void;
  readonly ended: Promise<void>;
}

/**
 * Looks after systems that builds wait for: a task on a queue without workers waits in silence. Workers answer on a queue
 * of its own for each system, because one whose slots are all taken does not poll for builds, and is there none the less.
 * @param limit seconds after which the builds of a system that nobody serves are given up
 */
export function watchSystems(limit: number): Watch {
  const systems = new Map<string, Watched>();
  const asking: Asking[] = [];
  const watchOne = (system: string, build: Waiting): (() => void) => {
    const known = systems.get(system);
    const watched = known ?? { system, builds: new Set(), waitsFor: null, end: () => undefined };
    watched.builds.add(build);
    if (known === undefined) {
      systems.set(system, watched);
      const forget = (): void => {
        if (systems.get(system) === watched) systems.delete(system);
      };
      watch(watched, limit, { forget, asks: (one) => asking.push(one) }).catch((error: unknown) => {
        if (!isCancellation(error))
          log.warn(`workers for ${system} are not watched any more`, { error: String(error) });
      });
    } else if (watched.waitsFor !== null) {
      // The build has ended: nobody needs the message.
      build.tell(watched.waitsFor).catch(() => undefined);
    }
    return () => {
      watched.builds.delete(build);
      if (watched.builds.size === 0) watched.end();
    };
  };
  return {
    watch: watchOne,
    over: async () => {
      for (const { end } of asking) end();
      await Promise.allSettled(asking.map(({ ended }) => ended));
    },
  };
}

async function watch(
  watched: Watched,
  limit: number,
  { forget, asks }: { readonly forget: () => void; readonly asks: (asking: Asking) => void },
): Promise<void> {
  await sleep(QUICK * 1000, { summary: `check for a worker of ${watched.system}` });
  // replay-tested: 2026-11-25, test/replay/0.1.0
  if (!patched('ask-who-is-present')) {
    await watchPollers(watched.system, watched.builds, limit);
    return;
  }
  try {
    if (watched.builds.size === 0) return;
    const scope = new CancellationScope();
    // replay-tested: 2026-11-28, test/replay/0.1.0
    const ends = patched('presence-ends-before-its-verification')
      ? ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
      : ActivityCancellationType.TRY_CANCEL;
    const isAwaited = ends === ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;
    const end = (): void => {
      // A build that begins now starts a watch of its own.
      if (isAwaited) forget();
      scope.cancel();
    };
    watched.end = end;
    const ended = scope.run(() => watchPresence(watched, limit, ends));
    if (isAwaited) asks({ end, ended });
    await ended;
  } finally {
    forget();
  }
}

/** Until the watch is ended, or the builds are given up. */
async function watchPresence(watched: Watched, limit: number, ends: ActivityCancellationType): Promise<void> {
  const { system } = watched;
  const present = presence(system, ends);
  for (;;) {
    if (!(await answers(present, ANSWER))) {
      await tell(watched, `waits for a worker of ${system}: start "${workerCommand()}" on such a machine`);
      if (!(await answers(present, limit))) {
        const unserved = [...watched.builds].filter((build) => !build.isHeld());
        const isOver = unserved.length === watched.builds.size;
        for (const build of unserved) build.giveUp(`no worker serves ${system}, and none came within ${limit} seconds`);
        if (isOver) return;
        continue;
      }
      await tell(watched, null);
    }
    await workerGone(present, system);
  }
}

async function tell(watched: Watched, waitsFor: string | null): Promise<void> {
  watched.waitsFor = waitsFor;
  await Promise.all([...watched.builds].map((build) => build.tell(waitsFor)));
}

const presence =
  (system: string, cancellationType: ActivityCancellationType) =>
  (patience: number, summary = `see whether ${system} is served`) =>
    proxyActivities<PresenceActivities>({
      taskQueue: ownQueue(presenceQueue(system)),
      summary,
      scheduleToStartTimeout: patience * 1000,
      startToCloseTimeout: '14 hours',
      heartbeatTimeout: '5 seconds',
      cancellationType,
      retry: { maximumAttempts: 1 },
    });

type Presence = ReturnType<typeof presence>;

/** Whether a worker answers within so many seconds. One that dies over it has not answered. */
async function answers(present: Presence, seconds: number): Promise<boolean> {
  const end = Date.now() + seconds * 1000;
  for (let left = seconds; left > 0; left = (end - Date.now()) / 1000) {
    try {
      await present(left).answer();
      return true;
    } catch (error) {
      if (isCancellation(error)) throw error;
    }
  }
  return false;
}

/** Resolves when the worker that answered, or another one, has died or stopped. */
async function workerGone(present: Presence, system: string): Promise<void> {
  try {
    await present(ANSWER, `notice when no worker of ${system} is there any more; ends with the builds`).stay();
  } catch (error) {
    if (isCancellation(error)) throw error;
  }
}
