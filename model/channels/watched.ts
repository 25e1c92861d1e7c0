import type { NotifyOptions, Repository } from '../run/options.js';

/** The channels of an instance, as a watch is asked to look at them: plain data, as a schedule keeps it. */
export interface WatchedChannels {
  readonly instance: string;
  readonly repository: Repository;
  /** Template of the branches. */
  readonly template: string;
  /** How long a channel may stand still while main is ahead of it. */
  readonly limitSeconds: number;
  readonly notify: NotifyOptions;
  /** IANA time zone for dates that people read. */
  readonly timeZone: string;
  /** Folder of the site; missing when there is none. */
  readonly siteDir?: string;
}
