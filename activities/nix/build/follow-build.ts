import { setTimeout as sleep } from 'node:timers/promises';
import { LogFollower, type BuildProgress } from './build-log.js';
import { readStart, readStatus, renewLease, type BuildRecord, type BuildStatus } from './build-record.js';
import { observeBuild } from './build.js';
import { noteShortage } from './shortage.js';

export interface Following {
  readonly leaseSeconds: number;
  readonly signal: AbortSignal;
  /** Called about once a second. */
  readonly onProgress: (progress: BuildProgress, startedAt: string) => void;
}

/** How often the end of a build is looked for. It costs one failed open, and is most of what a build waits for us. */
const POLL_MS = 25;
const REPORT_MS = 1000;

/**
 * Follows a build to its end: renews its lease and reports how far it is.
 * @returns how it ended; `null` when it is lost and has to be started again
 * @throws the signal's reason as soon as it is aborted; the build goes on
 */
export async function followBuild(record: BuildRecord, following: Following): Promise<BuildStatus | null> {
  const start = await readStart(record);
  const log = new LogFollower(record.log, start?.logOffset ?? 0);
  let reportAt = 0;
  for (;;) {
    following.signal.throwIfAborted();
    const status = await readStatus(record);
    if (status !== null) return status;
    if (performance.now() >= reportAt) {
      reportAt = performance.now() + REPORT_MS;
      await renewLease(record, following.leaseSeconds);
      await noteShortage(record);
      following.onProgress(await log.read(), start?.startedAt ?? new Date().toISOString());
      const state = await observeBuild(record);
      if (state.kind === 'ended') return state.status;
      if (state.kind !== 'running') return null;
    }
    await sleep(POLL_MS, undefined, { signal: following.signal });
  }
}
