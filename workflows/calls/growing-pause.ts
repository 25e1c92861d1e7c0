/** Longest pause between two looks, in milliseconds, where the whole wait is short enough. */
const USUAL_MS = 300_000;
/** Most looks of one wait, about: each costs a dozen events of the history, which ends at 51,200. */
const MOST_LOOKS = 1000;

/**
 * How long to wait before the next look at what somebody else does: a tenth of the time that it has taken already.
 * @param elapsedMs since the first look
 * @param wholeMs after which nobody looks any more
 */
export const growingPause = (elapsedMs: number, wholeMs: number, leastMs: number): number =>
  Math.min(Math.max(elapsedMs / 10, leastMs), Math.max(USUAL_MS, wholeMs / MOST_LOOKS));
