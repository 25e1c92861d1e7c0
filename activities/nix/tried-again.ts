import type { ApplicationFailure } from '@temporalio/common';
import { passingFailure } from '../../model/run/failures.js';
import type { TryLimit } from '../../model/run/infrastructure.js';

/** How a step is tried again; what is missing is as its retry policy has it. */
export interface Again {
  /** Tries in all: the last one gives an answer, whatever it finds. */
  readonly tries?: number;
  /** Seconds until the next one. */
  readonly pause?: number | undefined;
}

/** The failure by which Temporal tries again what machine or network kept from happening. */
export const triedAgain = (message: string, { tries, pause }: Again = {}): ApplicationFailure =>
  passingFailure('NixFault', message, {
    ...(tries === undefined ? {} : { details: [{ tries } satisfies TryLimit] }),
    ...(pause === undefined ? {} : { nextRetryDelay: `${pause} seconds` as const }),
  });
