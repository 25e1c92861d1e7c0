import { ActivityCancellationType, proxyActivities, type ActivityOptions } from '@temporalio/workflow';
import type { BuilderActivities, MachineActivities } from '../../model/contract/activities.js';
import { machineQueue } from '../../model/run/queues.js';
import { ownQueue } from './own-queue.js';
import { HEARTBEAT_SECONDS, NOT_DONE_THERE, type Lasting } from './stay-with-machine.js';

/** Failures that are no reason to try the same again, but to look for the machine. */
const LOSSES = ['TemporalTimeout:Heartbeat', 'WorkerRestarted', 'WorkerStopped'];

/** The activities of lasting work: one that any machine may take, and one for the machine that has it. */
export interface LastingCall<T> {
  /** Where machines take it. */
  readonly queue: string;
  readonly activityId: (round: number) => string;
  /** For people; `isThere`: the machine has the work already. */
  readonly summary: (isThere: boolean) => string;
  /** Longest life of one attempt. */
  readonly attemptMs: number;
  /** How long it waits for a machine; default: as long as it takes. */
  readonly waitMs?: number;
  /** Whether Temporal retries failures other than a lost worker; default: yes. */
  readonly isRetried?: boolean;
  readonly anywhere: (activities: BuilderActivities & MachineActivities) => Promise<T>;
  /** Default: the same. */
  readonly there?: (activities: MachineActivities) => Promise<T>;
}

export const lastingCalls = <T>(call: LastingCall<T>): Pick<Lasting<T>, 'anywhere' | 'there'> => ({
  anywhere: (round) => callAnywhere(call, round),
  there: (machine, withinMs, round) => {
    const place = { taskQueue: machineQueue(machine), summary: call.summary(true), scheduleToStartTimeout: withinMs };
    return (call.there ?? call.anywhere)(activities(call, round, place, [...LOSSES, NOT_DONE_THERE]));
  },
});

/** @param losses failures that Temporal does not try again: none in runs that began under 0.1.0 */
export function callAnywhere<T>(call: LastingCall<T>, round: number, losses = LOSSES): Promise<T> {
  const { queue, waitMs, summary } = call;
  const wait = waitMs === undefined ? {} : { scheduleToStartTimeout: waitMs };
  return call.anywhere(activities(call, round, { taskQueue: queue, summary: summary(false), ...wait }, losses));
}

const activities = <T>(
  { activityId, attemptMs, isRetried = true }: LastingCall<T>,
  round: number,
  { taskQueue, ...place }: ActivityOptions & { readonly taskQueue: string },
  losses: readonly string[],
): BuilderActivities & MachineActivities =>
  proxyActivities<BuilderActivities & MachineActivities>({
    ...place,
    taskQueue: ownQueue(taskQueue),
    activityId: activityId(round),
    heartbeatTimeout: `${HEARTBEAT_SECONDS} seconds`,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    startToCloseTimeout: attemptMs,
    retry: isRetried ? { ...PATIENT, nonRetryableErrorTypes: [...losses] } : { maximumAttempts: 1 },
  });

/** Faults are tried again with pauses; a loss is not, but answered by looking for the machine. */
const PATIENT = {
  initialInterval: '1 second',
  backoffCoefficient: 2,
  maximumInterval: '1 minute',
  maximumAttempts: 50,
} as const;
