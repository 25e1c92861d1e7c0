import { Context } from '@temporalio/activity';
import type { CoordinatorActivities } from '../../model/contract/activities.js';
import type { ActivityEnvironment } from '../environment.js';
import { holderOf } from './impostors.js';
import { makeWay } from './make-way.js';
import { findOverdue, recordEnd } from './instance-records.js';
import { createKnownSearchAttributes } from './search-attributes.js';

/** A poller that was not heard of for this long is dead: a long poll lasts 60 seconds, so a live one can be 33 s old. */
const POLLER_AGE_MS = 90_000;

/** `enums.v1.TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY` of Temporal's API. */
const ACTIVITY_QUEUE = 2;

/**
 * Activities that ask the Temporal server itself. Those here only read (and end what blocks a repository without right), so repeating
 * them is harmless; what they learn reaches
 * the workflow as a result, because a workflow may not look.
 */
export function createServerActivities({
  searchAttributes = null,
}: ActivityEnvironment): Pick<
  CoordinatorActivities,
  'whoHolds' | 'knownSearchAttributes' | 'countPollers' | 'makeWay' | 'recordEnd' | 'findOverdue'
> {
  return {
    makeWay,
    recordEnd,
    findOverdue,
    whoHolds: ({ lockWorkflowId, run = null }) => holderOf(Context.current().client, lockWorkflowId, run),
    knownSearchAttributes: createKnownSearchAttributes(searchAttributes),
    countPollers: async ({ queue }) => {
      const { client } = Context.current();
      const { pollers } = await client.connection.workflowService.describeTaskQueue({
        namespace: client.options.namespace,
        taskQueue: { name: queue },
        // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- the enum lives in a package of Temporal's own
        taskQueueType: ACTIVITY_QUEUE,
      });
      const seen = pollers.map(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1000);
      return seen.filter((at) => Date.now() - at < POLLER_AGE_MS).length;
    },
  };
}
