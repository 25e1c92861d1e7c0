import { parseCalendar, toScheduleSpec } from '../../model/calendar/index.js';
import type { WatchedChannels } from '../../model/channels/watched.js';
import type { Instance } from '../../model/config/options/index.js';
import { timeZoneOf } from '../../model/config/options/landing.js';
import { notificationsOf } from '../../model/config/options/notifications.js';
import { groupBy } from '../../model/text/group-by.js';
import { channelWatchName, scheduleId, watchName } from '../../model/run/ids.js';
import { COORDINATOR_QUEUE, queueOf } from '../../model/run/queues.js';
import type { RunOptions } from '../../model/run/options.js';
import { redactUrl } from '../../model/text/text.js';
import { DAY_MS } from '../../model/text/span.js';
import type { Desired } from './desired.js';

/** After nights of builds, and while somebody can still do something about it. */
const DAILY = '*-*-* 09:00';
/** Beside what begins at the full hour. */
const HOURLY = '*-*-* *:07';

/**
 * The schedules that look every day whether instances have succeeded within their `successAlarmSec`: one for each account, since
 * only its workers can read what telling people takes. They are applied as those of instances are.
 */
export const watchSchedules = (owner: string, instances: readonly Instance[]): readonly Desired[] =>
  ofEachAccount(instances.filter(({ successAlarmSec }) => successAlarmSec !== null)).map(([user, watched]) =>
    watchSchedule({
      ...{ owner, user, name: watchName(owner, user), workflowType: 'watchInstances', calendar: DAILY },
      timeZone: watched[0] === undefined ? 'UTC' : timeZoneOf(watched[0]),
      args: watched.map(watchedInstance),
      summary: `watch instances of ${owner}`,
    }),
  );

export interface ResolvedInstance {
  readonly instance: Instance;
  readonly options: RunOptions;
}

/** The schedules that look every hour at the channels of instances with `channelAlarmSec`. Where several move the same ones, the first counts. */
export function channelSchedules(owner: string, resolved: readonly ResolvedInstance[]): readonly Desired[] {
  const watched = resolved.flatMap(({ instance, options }) => {
    const { channelAlarmSec: limitSeconds, user } = instance;
    const template = options.channel;
    return limitSeconds === null || template === undefined
      ? []
      : [{ user, channels: watchedChannels(options, template, limitSeconds) }];
  });
  return ofEachAccount(watched).map(([user, own]) =>
    watchSchedule({
      ...{ owner, user, name: channelWatchName(owner, user), workflowType: 'watchChannels', calendar: HOURLY },
      timeZone: 'UTC',
      args: firstOfEach(own.map(({ channels }) => channels)),
      summary: `watch channels of ${owner}`,
    }),
  );
}

const ofEachAccount = <T extends { readonly user: string | null }>(
  all: readonly T[],
): readonly (readonly [string | null, readonly T[]])[] => [...groupBy(all, ({ user }) => user)];

function firstOfEach(all: readonly WatchedChannels[]): readonly WatchedChannels[] {
  const keyOf = ({ repository: { url, mainBranch }, template }: WatchedChannels): string =>
    JSON.stringify([url, mainBranch, template]);
  return [...groupBy(all, keyOf).values()].flatMap((same) => same.slice(0, 1));
}

interface WatchFacts {
  readonly owner: string;
  readonly user: string | null;
  readonly name: string;
  readonly workflowType: 'watchInstances' | 'watchChannels';
  readonly calendar: string;
  readonly timeZone: string;
  readonly args: readonly unknown[];
  readonly summary: string;
}

function watchSchedule({ owner, user, name, workflowType, calendar, timeZone, args, summary }: WatchFacts): Desired {
  const id = scheduleId(name);
  return {
    scheduleId: id,
    memo: { lockkeeper: owner, instance: name },
    spec: { ...toScheduleSpec([parseCalendar(calendar, 'the watch')], { timeZone, field: 'the watch' }), jitter: 0 },
    policies: { overlap: 'SKIP', catchupWindow: DAY_MS, pauseOnFailure: false },
    action: {
      ...{ type: 'startWorkflow', workflowType, workflowId: id, taskQueue: queueOf(COORDINATOR_QUEUE, user) },
      ...{ args: [args], memo: {}, staticSummary: summary },
    },
  };
}

const watchedInstance = (instance: Instance) => ({
  instance: instance.name,
  limitSeconds: instance.successAlarmSec,
  repository: redactUrl(instance.repoUrl ?? instance.repoPath ?? ''),
  ...notificationsOf(instance),
  timeZone: timeZoneOf(instance),
});

const watchedChannels = (options: RunOptions, template: string, limitSeconds: number): WatchedChannels => {
  const { instance, repository, notify, timeZone, siteDir } = options;
  return {
    ...{ instance, repository, template, limitSeconds, notify, timeZone },
    ...(siteDir !== undefined && { siteDir }),
  };
};
