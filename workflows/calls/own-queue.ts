import { workflowInfo } from '@temporalio/workflow';
import { queueOf, userOf } from '../../model/run/queues.js';

/** Children are on the queue of their parent, so all of a run is done by the workers of one account. */
const user = (): string | null => userOf(workflowInfo().taskQueue);

/** The queue on which this run's account does such work; runs of nobody in particular use the queue as it is. */
export const ownQueue = (queue: string): string => queueOf(queue, user());

/** The command that starts a worker for this run. */
export const workerCommand = (): string => `lockkeeper worker${user() === null ? '' : ` --user-queue ${user() ?? ''}`}`;
