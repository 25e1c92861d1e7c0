import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { CoordinatorActivities } from '../model/activities.js';
import { COORDINATOR_QUEUE } from '../model/queues.js';

/**
 * How coordinators' activities are called. A worker heartbeats for them each second, so that a dead one is noticed after
 * five; retries are bounded by count, not by time, because the time in which no worker runs must not count.
 */
export const coordinator = proxyActivities<CoordinatorActivities>({
  taskQueue: COORDINATOR_QUEUE,
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '5 seconds',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute', maximumAttempts: 15 },
});
