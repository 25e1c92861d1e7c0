import type { NewsOfRun } from '../contract/activities.js';
import type { NotifyOptions } from '../run/options.js';

/** What there is to tell: of a run, or that an instance has not succeeded for too long. */
export type News = Pick<NewsOfRun, 'event' | 'report'> | { readonly event: 'overdue' };

/** What is known of a way to tell people without telling them. `activities/notify/` has its other half, of the same name. */
export interface Notifier {
  /** Whether it was set up, and speaks of such news. */
  wants(options: NotifyOptions, news: News): boolean;
  /** Absolute paths of files with its secrets, which nothing that a run starts may read. */
  secretFiles(options: NotifyOptions): readonly string[];
  /** What it does, in a few words; `null` when it was not set up. */
  summary(options: NotifyOptions): string | null;
}
