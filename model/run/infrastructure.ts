/**
 * Pauses between tries of what the machine failed (out of memory, disk full, daemon gone), in seconds. After the last one the
 * fault has the last word.
 */
export const INFRASTRUCTURE_BACKOFF: readonly number[] = [2, 5, 15, 60, 300, 300, 300];

/** First detail of a failure whose step ends by itself after fewer tries than its retry policy allows. */
export interface TryLimit {
  readonly tries: number;
}
