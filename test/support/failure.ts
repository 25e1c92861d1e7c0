import assert from 'node:assert/strict';
import { ApplicationFailure } from '@temporalio/common';
import type { FailureType } from '../../model/run/failures.js';

/** Waits for the failure that an activity is expected to throw, and checks its type. */
export async function failure(
  work: Promise<unknown>,
  type: FailureType,
  expected: { readonly retryable: boolean } = { retryable: false },
): Promise<ApplicationFailure> {
  const error: unknown = await work.then(
    () => assert.fail(`expected the failure ${type}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof ApplicationFailure)) throw error;
  assert.equal(error.type, type, error.message);
  assert.equal(error.nonRetryable ?? false, !expected.retryable, error.message);
  return error;
}
