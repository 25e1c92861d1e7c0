import { activityInfo, cancellationSignal, cancelled, heartbeat } from '@temporalio/activity';
import type { BuildHeartbeat } from '../../../model/contract/activities.js';
import type { Verdict } from '../../../model/verify/verdict.js';
import type { ActivityEnvironment } from '../../environment.js';
import { confirmAttempt, isUnwanted } from '../../server/attempt.js';
import { readVerdict, releaseRecord, type BuildRecord } from './build-record.js';
import { endBuild } from './build-session.js';

const HEARTBEAT_MS = 1000;

/** Puts what has changed into the heartbeats. */
export type TellProgress = (change: Partial<BuildHeartbeat>) => void;

/**
 * Frame of an activity that follows a supervised command to its verdict: heartbeats each second; a record that has a verdict
 * already answers at once. Anything that ends the attempt leaves the command alone (shutdown, time-out, a server that
 * forgot the attempt), unless it was cancelled, or another machine has taken it over: that ends it with all its processes, and
 * removes the record.
 */
export async function whileFollowing(
  env: ActivityEnvironment,
  open: () => Promise<BuildRecord>,
  follow: (record: BuildRecord, report: TellProgress) => Promise<Verdict>,
): Promise<Verdict> {
  let beat = firstBeat(env);
  // At once: the workflow learns from it which machine has the command.
  heartbeat(beat);
  const timer = setInterval(() => {
    heartbeat(beat);
  }, HEARTBEAT_MS);
  try {
    const record = await open();
    const known = await readVerdict(record);
    if (known !== null) return known;
    return await unlessCancelled(env, record, async () => {
      await confirmAttempt(beat);
      return await follow(record, (change) => {
        beat = { ...beat, ...change };
        heartbeat(beat);
      });
    });
  } finally {
    clearInterval(timer);
  }
}

async function unlessCancelled(
  env: ActivityEnvironment,
  record: BuildRecord,
  work: () => Promise<Verdict>,
): Promise<Verdict> {
  try {
    return await work();
  } catch (error) {
    if (!cancellationSignal().aborted) throw error;
    if (await isUnwanted(env.machine)) {
      await endBuild(record);
      await releaseRecord(record);
    }
    // Rejects: what Temporal is to be told is the cancellation, not the work that it interrupted.
    return await cancelled();
  }
}

const firstBeat = (env: ActivityEnvironment): BuildHeartbeat => ({
  machine: env.machine,
  hostName: env.hostName,
  phase: 'queued',
  startedAt: new Date(activityInfo().currentAttemptScheduledTimestampMs).toISOString(),
  done: 0,
  planned: 0,
  logPath: '',
  logBytes: 0,
  lastLines: [],
  trouble: null,
  estimateSeconds: null,
});
