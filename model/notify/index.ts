import type { NotifyOptions, NotifierKind } from '../run/options.js';
import { ntfy } from './ntfy.js';
import { org } from './org.js';
import type { News, Notifier } from './types.js';

/** Every notifier, in the order in which people are told. Its other half is in `activities/notify/index.ts`. */
export const notifiers = { ntfy, org } satisfies Record<NotifierKind, Notifier>;

const kinds = Object.keys(notifiers) as readonly NotifierKind[];

/** Notifiers that were set up and speak of such news. */
export const wantedBy = (options: NotifyOptions, news: News): readonly NotifierKind[] =>
  kinds.filter((kind) => notifiers[kind].wants(options, news));

/** Files with secrets of the notifiers that were set up. */
export const secretFilesOf = (options: NotifyOptions): readonly string[] =>
  kinds.flatMap((kind) => notifiers[kind].secretFiles(options));

/** What each notifier that was set up does, in a few words. */
export const notifySummary = (options: NotifyOptions): readonly string[] =>
  kinds.flatMap((kind) => notifiers[kind].summary(options) ?? []);
