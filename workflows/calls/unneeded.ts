import { isCancellation, log } from '@temporalio/workflow';

/** Tries of a step that only saves work or tells more. */
export const UNNEEDED_TRIES = 6;

/**
 * Takes the failure of what nothing needs so much that a run would fail for it. It is called where the step is awaited:
 * another promise around the step would change the order of commands, and runs of earlier versions would not replay.
 * @param what for the log: what is not known now
 * @throws a cancellation
 */
export function goOnWithout(what: string, error: unknown): void {
  if (isCancellation(error)) throw error;
  log.warn(`${what} is not known`, { error: String(error) });
}
