import { Context } from '@temporalio/activity';
import type { PresenceActivities } from '../../model/contract/activities.js';

/** Activities that do nothing: that a worker runs them is what their caller wants to know. Repeating them is harmless. */
export const createPresenceActivities = (): Pick<PresenceActivities, 'answer' | 'stay'> => ({
  answer: () => Promise.resolve(),
  // Rejects when the worker stops or the caller has seen enough; the interceptor of all workers heartbeats.
  stay: () => Context.current().cancelled,
});
