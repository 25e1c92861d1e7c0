import type { WatchedChannels } from '../model/channels/watched.js';
import type { ChannelsNews } from '../model/channels/standing.js';
import { wantedBy } from '../model/notify/index.js';
import { closing, coordinator } from './calls/coordinator.js';

/**
 * Looks at the channels of instances, and tells people which ones stand still for too long, and which of these move again. A schedule starts
 * it every hour: it looks at what the remote has, so that it also sees what no run moves because none is started or none ends.
 */
export async function watchChannels(watched: readonly WatchedChannels[]): Promise<void> {
  const at = new Date(Date.now()).toISOString();
  await Promise.all(watched.map((each) => watch(each, at)));
}

async function watch(watched: WatchedChannels, at: string): Promise<void> {
  const { instance, repository, template, limitSeconds, siteDir } = watched;
  const news = await coordinator(`look at channels of ${instance}`, LOOK_TRIES).lookAtChannels({
    ...{ repository, instance, template, limitSeconds, at },
    ...(siteDir !== undefined && { siteDir }),
  });
  if (news.stands.length + news.moving.length === 0) return;
  await tell(watched, news, at);
  const { stands, moving } = news;
  await closing('note that people were told').channelsTold({ instance, at, stands, moving });
}

/** A remote that does not answer is looked at again in an hour. */
const LOOK_TRIES = 6;

async function tell(watched: WatchedChannels, news: ChannelsNews, at: string): Promise<void> {
  const { instance, repository, limitSeconds, notify, timeZone } = watched;
  const { displayUrl, mainBranch } = repository;
  const alarm = { ...news, ...{ instance, repository: displayUrl, mainBranch, limitSeconds } };
  for (const notifier of wantedBy(notify, { event: 'channels', alarm })) {
    await closing(`tell ${notifier}: channels of ${instance}`).notify({
      ...{ notifier, options: notify, event: 'channels', alarm, at, timeZone },
    });
  }
}
