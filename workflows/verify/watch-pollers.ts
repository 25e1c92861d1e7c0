import { sleep } from '@temporalio/workflow';
import { buildQueue } from '../../model/run/queues.js';
import { coordinator } from '../calls/coordinator.js';
import { UNNEEDED_TRIES, goOnWithout } from '../calls/unneeded.js';
import type { Waiting } from './watch-systems.js';

/** Seconds between two looks at a queue that nobody serves. */
const PAUSE = 10;

/** How runs that began under 0.1.0 look after a system, from their first look on: by who polls the queue of its builds. */
export async function watchPollers(system: string, builds: ReadonlySet<Waiting>, limit: number): Promise<void> {
  const told = new Set<Waiting>();
  for (let waited = PAUSE; ; waited += PAUSE) {
    if (builds.size === 0) return;
    try {
      const workers = coordinator(`find workers for ${system}`, UNNEEDED_TRIES);
      if ((await workers.countPollers({ queue: buildQueue(system) })) > 0) return;
    } catch (error) {
      // Builds are given up only where it is known that nobody would take them.
      goOnWithout(`whether a worker serves ${system}`, error);
      return;
    }
    if (waited >= limit) {
      for (const build of [...builds])
        build.giveUp(`no worker serves ${system}, and none came within ${waited} seconds`);
      return;
    }
    for (const build of [...builds].filter((each) => !told.has(each))) {
      told.add(build);
      await build.tell(`waits for a worker of ${system}: start "lockkeeper worker" on such a machine`);
    }
    await sleep(PAUSE * 1000, { summary: `check for a worker of ${system}` });
  }
}
