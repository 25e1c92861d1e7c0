import type { WatchedChannels } from '../../model/channels/watched.js';
import type { ShownRecord } from '../../model/instance/record.js';
import { plural } from '../../model/report/words.js';
import { ageWords } from '../../model/text/age.js';
import { oneName } from '../../model/text/one-line.js';
import { DAY_MS } from '../../model/text/span.js';
import { listOwned } from '../schedules/owned.js';
import { listRecords } from '../schedules/records.js';
import type { Session } from '../server/connection.js';
import { suggest } from '../terminal/suggest.js';
import { ok, warn, type Finding } from './finding.js';

/** Channels that stood still for too long when they were looked at last, and those that nobody looks at any more. */
export const checkChannels = async (session: Session): Promise<readonly Finding[]> =>
  channelFindings(await listRecords(session), await watchedInstances(session), Date.now());

/** Instances whose channels a schedule has looked at, by their names. */
async function watchedInstances(session: Session): Promise<ReadonlySet<string>> {
  const watches = (await listOwned(session)).filter(({ instance }) => instance.startsWith('channels:'));
  const watched = await Promise.all(
    watches.map(async ({ scheduleId }) => {
      const { action } = await session.client.schedule.getHandle(scheduleId).describe();
      const [channels] = (action.args ?? []) as readonly [(readonly WatchedChannels[])?];
      return (channels ?? []).map(({ instance }) => instance);
    }),
  );
  return new Set(watched.flat());
}

/**
 * What there is to say of channels. A record that no look has reached for a day tells nothing: where a schedule should look, that is
 * said, and elsewhere nobody wants to know any more.
 * @param watched instances whose channels a schedule looks at
 */
export function channelFindings(
  records: readonly Pick<ShownRecord, 'instance' | 'standing'>[],
  watched: ReadonlySet<string>,
  now: number,
): readonly Finding[] {
  const looked = records.flatMap(({ instance, standing }) =>
    standing === undefined ? [] : [{ instance, ...standing }],
  );
  const isOld = ({ at }: { readonly at: string }): boolean => now - Date.parse(at) > DAY_MS;
  const recent = looked.filter((each) => !isOld(each));
  const unseen = looked
    .filter((each) => isOld(each) && watched.has(each.instance))
    .map(({ instance, at }) =>
      warn(
        'channels',
        `nobody has looked at those of ${instance} for ${ageWords(now - Date.parse(at))}`,
        `a worker has to run, and reach the remote: see "${suggest('schedules')}"`,
      ),
    );
  const standing = recent.flatMap(({ instance, count, channels: [first] }) => {
    if (first === undefined) return [];
    const days = ageWords(now - Date.parse(first.since));
    const words = `${plural(count, 'channel')} of ${instance} ${count === 1 ? 'stands' : 'stand'} still, ${oneName(first.branch)} for ${days}`;
    return [warn('channels', words, `see "${suggest('channels', instance)}"`)];
  });
  const found = [...unseen, ...standing];
  return recent.length === 0 || found.length > 0 ? found : [ok('channels', 'none stands still for too long')];
}
