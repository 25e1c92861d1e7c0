import { activityInfo, cancellationSignal, cancelled, heartbeat } from '@temporalio/activity';
import type { BuildHeartbeat } from '../../model/contract/verification.js';
import type { Verdict } from '../../model/verify/verdict.js';
import type { ActivityEnvironment } from '../environment.js';
import { confirmAttempt, isUnwanted } from '../server/attempt.js';
import { readVerdict, releaseRecord, type CommandRecord } from './record.js';
import { endCommand } from './session.js';

const HEARTBEAT_MS = 1000;

/** Work of an activity that lies in a command which outlives the worker. */
export interface FollowedWork<Beat, Answer> {
  readonly open: () => Promise<CommandRecord>;
  readonly firstBeat: Beat;
  /** The answer that the record has already; `null` when it has none. */
  readonly known: (record: CommandRecord) => Promise<Answer | null>;
  /** Follows the command to the answer, and keeps that in the record. */
  readonly follow: (record: CommandRecord, report: Report<Beat>) => Promise<Answer>;
  /** Ends what the command has left outside of its session. */
  readonly endMore?: (record: CommandRecord) => Promise<void>;
  /** Removes what nobody needs after the answer, which was perhaps known: who kept it may have died before this. */
  readonly tidy?: (record: CommandRecord) => Promise<void>;
}

/** Puts what has changed into the heartbeats. */
export type Report<Beat> = (change: Partial<Beat>) => void;

/**
 * Frame of an activity that follows a supervised command: heartbeats each second; a record that has an answer already gives it
 * at once. Anything that ends the attempt leaves the command alone (shutdown, time-out, a server that forgot the attempt), unless
 * it was cancelled, or another machine has taken it over: that ends it with all its processes, and removes the record.
 */
export async function whileFollowing<Beat extends { readonly machine: string }, Answer>(
  work: FollowedWork<Beat, Answer>,
): Promise<Answer> {
  let beat = work.firstBeat;
  const report: Report<Beat> = (change) => {
    beat = { ...beat, ...change };
    heartbeat(beat);
  };
  // At once: the workflow learns from it which machine has the command.
  report({});
  const timer = setInterval(() => {
    heartbeat(beat);
  }, HEARTBEAT_MS);
  try {
    const record = await work.open();
    return await unlessUnwanted(work, record, async () => {
      const known = await work.known(record);
      if (known === null) await confirmAttempt(beat);
      const answer = known ?? (await work.follow(record, report));
      await work.tidy?.(record);
      return answer;
    });
  } finally {
    clearInterval(timer);
  }
}

async function unlessUnwanted<Beat extends { readonly machine: string }, Answer>(
  { firstBeat, endMore }: FollowedWork<Beat, Answer>,
  record: CommandRecord,
  answer: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await answer();
  } catch (error) {
    if (!cancellationSignal().aborted) throw error;
    if (await isUnwanted(firstBeat.machine)) {
      await endCommand(record);
      await endMore?.(record);
      await releaseRecord(record);
    }
    // Rejects: what Temporal is to be told is the cancellation, not the work that it interrupted.
    return await cancelled();
  }
}

/** `whileFollowing` to the verdict of a target. */
export const followToVerdict = (
  env: ActivityEnvironment,
  work: Omit<FollowedWork<BuildHeartbeat, Verdict>, 'firstBeat' | 'known'>,
): Promise<Verdict> => whileFollowing({ ...work, firstBeat: firstBeat(env), known: readVerdict });

const firstBeat = (env: ActivityEnvironment): BuildHeartbeat => ({
  machine: env.machine,
  hostName: env.hostName,
  phase: 'queued',
  startedAt: new Date(activityInfo().currentAttemptScheduledTimestampMs).toISOString(),
  done: 0,
  planned: 0,
  plan: null,
  logPath: '',
  logBytes: 0,
  lastLines: [],
  trouble: null,
  estimateSeconds: null,
});
