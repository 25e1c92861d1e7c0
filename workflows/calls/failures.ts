import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure, TimeoutFailure } from '@temporalio/workflow';
import { isFinal, MESSAGE_BYTES } from '../../model/run/failures.js';
import { truncate } from '../../model/text/text.js';

/** The failure below Temporal's wrappers: what a person wants to read. */
export function rootCause(error: unknown): { readonly message: string; readonly type: string } {
  let cause: unknown = error;
  while ((cause instanceof ActivityFailure || cause instanceof ChildWorkflowFailure) && cause.cause !== undefined)
    cause = cause.cause;
  const message = truncate(cause instanceof Error ? cause.message : String(cause), MESSAGE_BYTES);
  if (cause instanceof ApplicationFailure) return { message, type: cause.type ?? 'Error' };
  if (cause instanceof TimeoutFailure && error instanceof ActivityFailure)
    return { message: `${error.activityType} did not answer in time (${message})`, type: 'Timeout' };
  return { message, type: 'Error' };
}

/** Whether no other try would have changed what an activity failed by. */
export const isForGood = (error: unknown): boolean => error instanceof ActivityFailure && isFinal(error.cause);
