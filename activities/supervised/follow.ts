import { setTimeout as sleep } from 'node:timers/promises';
import { keepGoing } from '../../host/standing.js';
import { LogFollower, type LogProgress } from './log.js';
import { readIdentity, readStart, readStatus, renewLease, type CommandRecord, type CommandStatus } from './record.js';
import { noteShortage } from './shortage.js';
import { observe } from './state.js';

export interface Following {
  readonly leaseSeconds: number;
  readonly signal: AbortSignal;
  /** Gets all lines of this start's log, in pieces. */
  readonly onLines?: (lines: readonly string[]) => void;
  /** Called about once a second, after `onLines`. */
  readonly onProgress: (progress: LogProgress, startedAt: string) => void;
}

/**
 * How often the end is looked for: it costs one failed open, and is most of what a command waits for us. What has taken long may wait
 * longer: a hundredth of that.
 */
const POLL_MS = { least: 25, most: 250 };
const POLL_SHARE = 1 / 100;
const REPORT_MS = 1000;

/**
 * Follows a command to its end: renews its lease, reports how far it is, and lets it go on where it stands still.
 * @returns how it ended; `null` when it is lost and has to be started again
 * @throws the signal's reason as soon as it is aborted; the command goes on
 */
export async function follow(record: CommandRecord, following: Following): Promise<CommandStatus | null> {
  const start = await readStart(record);
  const log = new LogFollower(record.log, start?.logOffset ?? 0, following.onLines);
  const supervisor = await readIdentity(record);
  const endCare = supervisor === null ? undefined : keepGoing(supervisor.pid);
  const begun = performance.now();
  let reportAt = 0;
  try {
    for (;;) {
      following.signal.throwIfAborted();
      const status = await readStatus(record);
      if (status !== null) return status;
      if (performance.now() >= reportAt) {
        reportAt = performance.now() + REPORT_MS;
        await renewLease(record, following.leaseSeconds);
        await noteShortage(record);
        following.onProgress(await log.read(), start?.startedAt ?? new Date().toISOString());
        const state = await observe(record);
        if (state.kind === 'ended') return state.status;
        if (state.kind !== 'running') return null;
      }
      const taken = performance.now() - begun;
      const pause = Math.min(Math.max(POLL_MS.least, taken * POLL_SHARE), POLL_MS.most);
      await sleep(pause, undefined, { signal: following.signal });
    }
  } finally {
    endCare?.();
  }
}
