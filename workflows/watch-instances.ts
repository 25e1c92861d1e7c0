import type { Overdue, Watched } from '../model/instance/record.js';
import { wantedBy } from '../model/notify/index.js';
import type { NotifyOptions } from '../model/run/options.js';
import { closing, coordinator } from './calls/coordinator.js';

/** What a watch is asked to do about one instance: plain data, as a schedule keeps it. */
export interface WatchedInstance extends Watched {
  /** Display form of the repository. */
  readonly repository: string;
  readonly notify: NotifyOptions;
  /** IANA time zone for dates that people read. */
  readonly timeZone: string;
}

/**
 * Looks when instances last succeeded, and raises an alarm for each that has not for longer than its limit, also when it never
 * runs. A schedule starts it every day, so the alarm comes every day until there is a success.
 * @returns the instances that are overdue
 */
export async function watchInstances(watched: readonly WatchedInstance[]): Promise<readonly Overdue[]> {
  const at = new Date(Date.now()).toISOString();
  const overdue = await coordinator('find overdue instances').findOverdue({
    watched: watched.map(({ instance, limitSeconds }) => ({ instance, limitSeconds })),
    at,
  });
  for (const each of watched) {
    const found = overdue.find(({ instance }) => instance === each.instance);
    if (found !== undefined) await raise(each, found, at);
  }
  return overdue;
}

async function raise({ repository, notify, timeZone, limitSeconds }: WatchedInstance, overdue: Overdue, at: string) {
  const alarm = { ...overdue, repository, limitSeconds };
  for (const notifier of wantedBy(notify, { event: 'overdue' })) {
    await closing(`notify ${notifier}: ${overdue.instance} is overdue`).notify({
      notifier,
      options: notify,
      event: 'overdue',
      alarm,
      at,
      timeZone,
    });
  }
}
