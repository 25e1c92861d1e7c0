import { patched } from '@temporalio/workflow';
import type { DueNews } from '../model/channels/standing.js';
import type { WatchedChannels } from '../model/channels/watched.js';
import { closing, coordinator } from './calls/coordinator.js';
import { tellPeople } from './calls/tell.js';

/**
 * Looks at the channels of instances, and tells people which ones stand still for too long, and which of these move again. A schedule starts
 * it every hour: it looks at what the remote has, so that it also sees what no run moves because none is started or none ends.
 * A repository that cannot be looked at keeps nobody from the alarms of the others; the workflow fails at its end, so that it is seen.
 */
export async function watchChannels(watched: readonly WatchedChannels[]): Promise<void> {
  const at = new Date(Date.now()).toISOString();
  const looks = await Promise.allSettled(watched.map((each) => watch(each, at)));
  for (const look of looks) if (look.status === 'rejected') throw look.reason;
}

async function watch(watched: WatchedChannels, at: string): Promise<void> {
  const { instance, repository, template, limitSeconds, notify, timeZone, siteDir } = watched;
  const { dropped = [], ...news } = await coordinator(`look at channels of ${instance}`, LOOK_TRIES).lookAtChannels({
    ...{ repository, instance, template, limitSeconds, at },
    ...(siteDir !== undefined && { siteDir }),
  });
  if (news.stands.length + news.moving.length === 0) {
    if (dropped.length > 0) await noteTold(instance, at, { stands: [], moving: dropped });
    return;
  }
  const { displayUrl, mainBranch } = repository;
  const alarm = { ...news, ...{ instance, repository: displayUrl, mainBranch, limitSeconds } };
  const isTold = await tellPeople(notify, { event: 'channels', alarm, at, timeZone }, `channels of ${instance}`);
  // What nobody was told stays due, and the look of the next hour tries again. replay-tested: 2026-11-29, test/run/watch.test.ts
  if (isTold || !patched('channels-stay-due'))
    await noteTold(instance, at, { ...news, moving: [...news.moving, ...dropped] });
}

const noteTold = (instance: string, at: string, { stands, moving }: DueNews): Promise<void> =>
  closing('note that people were told').channelsTold({ instance, at, stands, moving });

/** A remote that does not answer is looked at again in an hour. */
const LOOK_TRIES = 6;
