import { oneLine } from '../text/one-line.js';
import { truncate } from '../text/text.js';
import { channelFacts, channelsHeading, lostMainFacts } from './channels.js';
import type { NtfyMessage } from './ntfy.js';
import { overdueFacts } from './overdue.js';
import type { Alarm, ChannelAlarm, LostMain, NewsOfRun, NotifyInput } from './types.js';

export type WatchNews = Exclude<NotifyInput, NewsOfRun>;

/** Marks that one mark names; the others are counted. */
const MARKED = 10;
/** Messages and marks together have 4,096 bytes. */
const MARK_BYTES = 500;
/** As of other messages. */
const MESSAGE_BYTES = 3500;

/** The last line of a message, by which a repeat is recognised. */
export function watchMark(news: WatchNews): string {
  switch (news.event) {
    case 'overdue':
      return overdueMark(news.alarm, news.at);
    case 'channels':
      return channelsMark(news.alarm);
    case 'lost-main':
      return lostMainMark(news.alarm);
  }
}

export function watchMessage(news: WatchNews, topic: string): NtfyMessage {
  const form = formOf(news);
  const message = truncate(form.facts.join('\n'), MESSAGE_BYTES);
  const { tags, priority } = form;
  return { topic, title: oneLine(form.title, 200), message: `${message}\n${watchMark(news)}`, tags, priority };
}

type Form = Pick<NtfyMessage, 'title' | 'tags' | 'priority'> & { readonly facts: readonly string[] };

function formOf(news: WatchNews): Form {
  switch (news.event) {
    case 'overdue':
      return overdueForm(news.alarm);
    case 'channels':
      return channelsForm(news.alarm, news.at);
    case 'lost-main':
      return lostMainForm(news.alarm);
  }
}

/** People are told once a day, however often it is tried. */
const overdueMark = ({ instance }: Alarm, at: string): string =>
  oneLine(`Instance ${instance}, overdue ${at.slice(0, 10)}`);

const overdueForm = (alarm: Alarm): Form => ({
  title: `⏰ Overdue: no successful run: ${alarm.repository} (${alarm.instance})`,
  facts: overdueFacts(alarm),
  ...{ tags: ['alarm_clock', 'flake', 'warning'], priority: 5 },
});

/** The next alarm of a channel has another number. */
function channelsMark({ instance, stands, moving }: ChannelAlarm): string {
  const marks = [
    ...stands.map(({ branch, alarm }) => `${branch} ${alarm}`),
    ...moving.map(({ branch, since }) => `${branch} moves ${since}`),
  ];
  const more = marks.length > MARKED ? `, ${marks.length - MARKED} more` : '';
  return oneLine(`Channels of ${instance}: ${marks.slice(0, MARKED).join(', ')}${more}`, MARK_BYTES);
}

function channelsForm(alarm: ChannelAlarm, at: string): Form {
  const about = `${channelsHeading(alarm)}: ${alarm.repository} (${alarm.instance})`;
  const facts = channelFacts(alarm, at);
  return alarm.stands.length > 0
    ? { title: `⏰ ${about}`, facts, tags: ['alarm_clock', 'flake', 'warning'], priority: 4 }
    : { title: `✅ ${about}`, facts, tags: ['white_check_mark', 'flake'], priority: 3 };
}

const lostMainMark = ({ instance, lost, commit }: LostMain): string =>
  oneLine(`Main of ${instance}: ${lost.slice(0, 12)} lost at ${commit.slice(0, 12)}`);

const lostMainForm = (alarm: LostMain): Form => ({
  title: `🚨 ${alarm.mainBranch} was force-pushed: ${alarm.repository} (${alarm.instance})`,
  facts: lostMainFacts(alarm),
  ...{ tags: ['rotating_light', 'flake', 'warning'], priority: 5 },
});
