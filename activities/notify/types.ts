import type { NotifyInput } from '../../model/notify/types.js';

/**
 * The half of a notifier that tells people. Its members live in this folder, one file each, and are registered in `index.ts`;
 * what they speak of is in `model/notify/`.
 */
export interface Teller {
  /** Tells it, unless it was told before. Throws `NotifierFault`. @param signal aborts with the activity */
  tell(input: NotifyInput, signal: AbortSignal): Promise<void>;
}
