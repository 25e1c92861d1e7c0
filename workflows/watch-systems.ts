import { isCancellation, log, sleep } from '@temporalio/workflow';
import { buildQueue } from '../model/queues.js';
import { coordinator } from './activities.js';

/** Seconds after which a build that has not ended is looked after, and between two looks at a queue that nobody serves. */
const PAUSE = 10;

/** A build that may be waiting for a machine of its system. */
export interface Waiting {
  /** Called once, when nobody serves the system. */
  readonly tell: (waitsFor: string) => Promise<void>;
  readonly giveUp: (reason: string) => void;
}

/**
 * Looks after systems that builds wait for: a task on a queue without pollers waits in silence. Each system is watched from
 * its first build on, until a worker of it was seen; quick builds cost one timer and no look.
 * @param limit seconds after which the builds of a system that nobody serves are given up
 * @returns a function that adds a build, and gives one that takes it off again
 */
export function watchSystems(limit: number): (system: string, build: Waiting) => () => void {
  const systems = new Map<string, Set<Waiting>>();
  return (system, build) => {
    const known = systems.get(system);
    const builds = known ?? new Set<Waiting>();
    builds.add(build);
    if (known === undefined) {
      systems.set(system, builds);
      watch(system, builds, limit).catch((error: unknown) => {
        if (!isCancellation(error))
          log.warn(`the queue of ${system} is not watched any more`, { error: String(error) });
      });
    }
    return () => builds.delete(build);
  };
}

async function watch(system: string, builds: ReadonlySet<Waiting>, limit: number): Promise<void> {
  const told = new Set<Waiting>();
  for (let waited = PAUSE; ; waited += PAUSE) {
    await sleep(PAUSE * 1000, { summary: `look whether ${system} is served` });
    if (builds.size === 0) return;
    if ((await coordinator(`look for workers of ${system}`).countPollers({ queue: buildQueue(system) })) > 0) return;
    if (waited >= limit) {
      for (const build of [...builds])
        build.giveUp(`no worker serves ${system}, and none came within ${waited} seconds`);
      return;
    }
    for (const build of [...builds].filter((each) => !told.has(each))) {
      told.add(build);
      await build.tell(`waits for a worker of ${system}: start "lockkeeper worker" on such a machine`);
    }
  }
}
