/** Pauses between tries of what the machine failed (memory, disk, daemon), in seconds; after them the fault counts. */
export const INFRASTRUCTURE_BACKOFF: readonly number[] = [2, 5, 15, 60, 300, 300, 300];

/** First detail of a failure whose step ends by itself after fewer tries than its retry policy allows. */
export interface TryLimit {
  readonly tries: number;
}
