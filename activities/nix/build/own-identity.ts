import { ApplicationFailure } from '@temporalio/common';
import type { ProcessIdentity } from '../../../model/state-directory.js';
import { identify } from '../../process-tree.js';

/** Who this worker is, in locks and notes that a later one reads. */
export async function ownIdentity(): Promise<ProcessIdentity> {
  const identity = await identify(process.pid);
  if (identity === null) throw ApplicationFailure.retryable('This process is not listed in /proc; is /proc mounted?');
  return identity;
}
