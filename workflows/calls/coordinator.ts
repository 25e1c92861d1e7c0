import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { RetryPolicy } from '@temporalio/common';
import type { CoordinatorActivities } from '../../model/contract/activities.js';
import { COORDINATOR_QUEUE } from '../../model/run/queues.js';
import { truncate } from '../../model/text/text.js';
import { ownQueue } from './own-queue.js';

export const NEEDED_TRIES = 15;

/** Room for a summary in Temporal's UI. */
const SUMMARY_BYTES = 200;

/**
 * How coordinators' activities are called. A worker heartbeats for them each second, so that a dead one is noticed after
 * five; retries are bounded by count, not by time, because the time in which no worker runs must not count.
 * @param summary what is done, for the Temporal UI
 */
export const coordinator = (summary: string, maximumAttempts = NEEDED_TRIES) =>
  call<CoordinatorActivities>(summary, '6 hours', { maximumInterval: '1 minute', maximumAttempts });

/** For two days, at least every five minutes, or as a forge asks. */
const PATIENT = { maximumInterval: '5 minutes', maximumAttempts: 600 } as const;

/** How a forge is asked: one that is down for a night does not fail a run that built for one. */
export const forgeCall = (summary: string) =>
  call<Pick<CoordinatorActivities, 'findRequests' | 'propose' | 'followRequest' | 'setStatuses' | 'closeRequests'>>(
    summary,
    '1 hour',
    PATIENT,
  );

/** How what was verified is brought to its remote, which may be down for as long. */
export const landingCall = (summary: string) =>
  call<Pick<CoordinatorActivities, 'land' | 'carryOver'>>(summary, '6 hours', PATIENT);

/** @param startToCloseTimeout of one try */
const call = <A extends object>(
  summary: string,
  startToCloseTimeout: '1 hour' | '6 hours',
  retry: Required<Pick<RetryPolicy, 'maximumInterval' | 'maximumAttempts'>>,
) =>
  proxyActivities<A>({
    taskQueue: ownQueue(COORDINATOR_QUEUE),
    summary: truncate(summary, SUMMARY_BYTES),
    startToCloseTimeout,
    heartbeatTimeout: '5 seconds',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { initialInterval: '1 second', backoffCoefficient: 2, ...retry },
  });

const TELLING_TRIES = 10;
/** Within half a minute: the report is the run's result as well, and what is left on a machine is swept later. */
export const TIDYING_TRIES = 5;

/** Telling people and tidying up are bounded: they never keep a run from ending. */
export const closing = (summary: string, maximumAttempts = TELLING_TRIES) =>
  proxyActivities<Pick<CoordinatorActivities, 'notify' | 'recordEnd' | 'channelsTold' | 'closeRun'>>({
    taskQueue: ownQueue(COORDINATOR_QUEUE),
    summary,
    startToCloseTimeout: '2 minutes',
    heartbeatTimeout: '5 seconds',
    retry: { initialInterval: '1 second', maximumInterval: '30 seconds', maximumAttempts },
  });
