import { oneLine } from '../text/one-line.js';
import { channelFacts, channelsHeading, lostMainFacts } from './channels.js';
import { orgText, orgTimestamp } from './org.js';
import { overdueFacts } from './overdue.js';
import type { StandingNews } from '../channels/standing.js';
import type { Alarm, LostMain } from './types.js';
import type { WatchNews } from './ntfy-watch.js';

/** Property of an org entry that names a time without success: one entry for each, whichever day it is. */
const overdueProperty = ({ instance, lastSuccess, since }: Alarm): string =>
  oneLine(`:LOCKKEEPER_OVERDUE: ${instance} ${lastSuccess ?? since}`);

/** The property that names a channel and where it stands: one for each, whichever day it is. */
const channelProperty = ({ instance }: { readonly instance: string }, { branch, since }: StandingNews): string =>
  oneLine(`:LOCKKEEPER_CHANNEL+: ${instance} ${branch} ${since}`);

const lostMainProperty = ({ instance, lost, commit }: LostMain): string =>
  oneLine(`:LOCKKEEPER_LOST_MAIN: ${instance} ${lost.slice(0, 12)} ${commit.slice(0, 12)}`);

/**
 * One org-mode `TODO` entry, ending with a line feed; `null` when a file has it already. Of channels that stand still it names those alone
 * that no earlier entry names.
 * @param has whether the file has such a line
 */
export function watchEntry(news: WatchNews, has: (property: string) => boolean, timeZone: string): string | null {
  switch (news.event) {
    case 'overdue': {
      const { alarm } = news;
      const heading = `Flake updates of ${alarm.repository} by ${alarm.instance}: no success for too long`;
      return entry({ heading, properties: [overdueProperty(alarm)], facts: overdueFacts(alarm) });
    }
    case 'channels': {
      const stands = news.alarm.stands.filter((each) => !has(channelProperty(news.alarm, each)));
      if (stands.length === 0) return null;
      const alarm = { ...news.alarm, stands, moving: [] };
      return entry({
        heading: `Channels of ${alarm.repository} (${alarm.instance}): ${channelsHeading(alarm)}`,
        properties: stands.map((each) => channelProperty(alarm, each)),
        facts: channelFacts(alarm, news.at),
      });
    }
    case 'lost-main': {
      const { alarm } = news;
      const heading = `${alarm.mainBranch} of ${alarm.repository} (${alarm.instance}) was force-pushed`;
      return entry({ heading, properties: [lostMainProperty(alarm)], facts: lostMainFacts(alarm) });
    }
  }

  function entry(of: Entry): string | null {
    if (of.properties.every(has)) return null;
    return `${[
      `* TODO ${orgText(oneLine(of.heading, 400))}`,
      ':PROPERTIES:',
      `:CREATED: ${orgTimestamp(news.at, timeZone)}`,
      ...of.properties,
      ':END:',
      ...of.facts.map((fact) => `  : ${oneLine(fact, 1000)}`),
    ].join('\n')}\n`;
  }
}

interface Entry {
  readonly heading: string;
  readonly properties: readonly string[];
  readonly facts: readonly string[];
}
