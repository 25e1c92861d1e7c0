import { isCancellation, log, patched } from '@temporalio/workflow';
import { wantedBy } from '../../model/notify/index.js';
import type { ChannelNews, LostMainNews } from '../../model/notify/types.js';
import type { NotifyOptions } from '../../model/run/options.js';
import { closing } from './coordinator.js';

type WatchNews = Omit<ChannelNews, 'notifier' | 'options'> | Omit<LostMainNews, 'notifier' | 'options'>;

/**
 * Tells people what a watch has seen, in every way that was set up. One that fails is logged and stops no other one.
 * @param about what it is about, for the Temporal UI
 * @returns whether the first of them took it, which is the one that people hear at once, or none speaks of such news: otherwise it is to be
 * told again, which those that took it notice
 */
export async function tellPeople(options: NotifyOptions, news: WatchNews, about: string): Promise<boolean> {
  const told = await Promise.all(
    wantedBy(options, news).map(async (notifier) => {
      try {
        const { ok, error } = await closing(`tell ${notifier}: ${about}`).notify({ ...news, notifier, options });
        if (!ok) log.warn('people were not told', { notifier, about, error });
        return ok;
      } catch (error) {
        if (isCancellation(error)) throw error;
        log.warn('people were not told', { notifier, about, error: String(error) });
        return false;
      }
    }),
  );
  const [first = true] = told;
  if (first || !told.includes(true)) return first;
  // replay-tested: 2026-11-30, test/run/watch.test.ts
  return patched('first-has-to-take-it') ? first : true;
}
