import type { ChannelsNews } from '../channels/standing.js';
import type { Overdue } from '../instance/record.js';
import type { Report } from '../report/data.js';
import type { NotifierKind, NotifyOptions } from '../run/options.js';

export type NotifyInput = NewsOfRun | OverdueAlarm | ChannelNews | LostMainNews;

interface Telling {
  readonly notifier: NotifierKind;
  readonly options: NotifyOptions;
  /** ISO 8601 time of the event. */
  readonly at: string;
  /** IANA time zone for dates that people read. */
  readonly timeZone: string;
}

export interface NewsOfRun extends Telling {
  readonly event: NotificationEvent;
  readonly report: Report;
}

export type NotificationEvent = 'finished' | 'waiting' | 'reminder';

/** An instance has not succeeded for too long. */
export interface OverdueAlarm extends Telling {
  readonly event: 'overdue';
  readonly alarm: Alarm;
}

export interface Alarm extends Overdue {
  /** Display form of the repository. */
  readonly repository: string;
  /** Longest time without a success, in seconds. */
  readonly limitSeconds: number;
}

/** Channels of an instance stand still for too long, or move again. */
export interface ChannelNews extends Telling {
  readonly event: 'channels';
  readonly alarm: ChannelAlarm;
}

export interface ChannelAlarm extends ChannelsNews {
  readonly instance: string;
  /** Display form of the repository. */
  readonly repository: string;
  readonly mainBranch: string;
  /** How long a channel may stand still, in seconds. */
  readonly limitSeconds: number;
}

/** A main branch that is watched was force-pushed. */
export interface LostMainNews extends Telling {
  readonly event: 'lost-main';
  readonly alarm: LostMain;
}

export interface LostMain {
  readonly instance: string;
  /** Display form of the repository. */
  readonly repository: string;
  readonly mainBranch: string;
  /** Where it was, which it does not have any more. */
  readonly lost: string;
  readonly commit: string;
}

/** What there is to tell: of a run, or of what is watched between runs. */
export type News =
  | Pick<NewsOfRun, 'event' | 'report'>
  | { readonly event: 'overdue' | 'lost-main' }
  | Pick<ChannelNews, 'event' | 'alarm'>;

/** What is known of a way to tell people without telling them. `activities/notify/` has its other half, of the same name. */
export interface Notifier {
  /** Whether it was set up, and speaks of such news. */
  wants(options: NotifyOptions, news: News): boolean;
  /** Absolute paths of files with its secrets, which nothing that a run starts may read. */
  secretFiles(options: NotifyOptions): readonly string[];
  /** What it does, in a few words; `null` when it was not set up. */
  summary(options: NotifyOptions): string | null;
}
