import { Context } from '@temporalio/activity';
import { livePollers } from '../../host/pollers.js';
import type { CoordinatorActivities } from '../../model/contract/activities.js';
import type { ActivityEnvironment } from '../environment.js';
import { holderOf } from './impostors.js';
import { makeWay } from './make-way.js';
import { findOverdue, recordEnd } from './instance-records.js';
import { createKnownSearchAttributes } from './search-attributes.js';

/**
 * Activities that ask the Temporal server itself. Those here only read (and end what blocks a repository without right), so
 * repeating them is harmless; what they learn reaches the workflow as a result, because a workflow may not look.
 */
export const createServerActivities = ({ searchAttributes = null }: ActivityEnvironment) =>
  ({
    makeWay,
    recordEnd,
    findOverdue,
    whoHolds: ({ lockWorkflowId, run = null }) => holderOf(Context.current().client, lockWorkflowId, run),
    knownSearchAttributes: createKnownSearchAttributes(searchAttributes),
    countPollers: async ({ queue }) => {
      const { client } = Context.current();
      return (await livePollers({ client, namespace: client.options.namespace }, queue, 'activity')).length;
    },
  }) satisfies Partial<CoordinatorActivities>;
