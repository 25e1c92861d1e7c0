import type { NotifyInput } from '../../model/contract/activities.js';

/** A way to tell people about a run. Its members live in this folder, one file each, and are registered in `index.ts`. */
export interface Notifier {
  /** Whether this event is something that this notifier speaks of, and whether it was set up. */
  wants(input: NotifyInput): boolean;

  /**
   * Tells it, unless it finds that it told it before. Throws `NotifierFault` for what fails.
   * @param signal aborts when the activity is cancelled
   */
  tell(input: NotifyInput, signal: AbortSignal): Promise<void>;
}
