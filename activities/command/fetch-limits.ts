import { totalmem } from 'node:os';
import { finalFailure } from '../../model/run/failures.js';
import { fetchLimits, type FetchLimits } from '../../model/machine/fetch-limits.js';
import { BadInput } from '../../model/checks/names.js';

/** What this worker fetches at most. Throws a non-retryable `BadOptions` for a variable that cannot be used. */
export function ownFetchLimits(): FetchLimits {
  try {
    return fetchLimits(process.env, totalmem());
  } catch (error) {
    if (!(error instanceof BadInput)) throw error;
    throw finalFailure('BadOptions', `The environment of the worker: ${error.message}`);
  }
}
