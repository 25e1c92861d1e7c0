import type { NotifyInput } from '../../model/notify/types.js';

/**
 * The half of a notifier that tells people. Its members live in this folder, one file each, and are registered in `index.ts`;
 * what they speak of is in `model/notify/`.
 */
export interface Teller {
  /**
   * Tells it, unless it finds that it told it before. Throws `NotifierFault` for what fails.
   * @param signal aborts when the activity is cancelled
   */
  tell(input: NotifyInput, signal: AbortSignal): Promise<void>;
}
