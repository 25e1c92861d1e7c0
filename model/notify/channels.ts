import type { StandingNews } from '../channels/standing.js';
import { plural } from '../report/words.js';
import { ageWords } from '../text/age.js';
import { oneLine, oneName } from '../text/one-line.js';
import type { ChannelAlarm, LostMain } from './types.js';

/** Channels that one message names; the others are counted. */
const NAMED = 20;

/** What is said of channels that stand still for too long, and of those that move again: one line each. */
export function channelFacts(alarm: ChannelAlarm, at: string): string[] {
  const { stands, moving, mainBranch, limitSeconds, instance } = alarm;
  const more = (count: number): string[] => (count > NAMED ? [`and ${count - NAMED} more`] : []);
  return [
    ...stands.slice(0, NAMED).map((each) => standingLine(each, mainBranch, at)),
    ...more(stands.length),
    ...moving.slice(0, NAMED).map(({ branch, since }) => `${oneName(branch)} moves again, after ${ageAt(since, at)}`),
    ...more(moving.length),
    ...(stands.length === 0
      ? []
      : [`The limit is ${ageWords(limitSeconds * 1000)}. More: lockkeeper channels ${oneLine(instance, 120)}`]),
  ];
}

function standingLine({ branch, commit, since, behind, why }: StandingNews, mainBranch: string, at: string): string {
  const where =
    commit === null
      ? 'was never made'
      : behind === null
        ? `is not on ${oneName(mainBranch)}`
        : `is ${plural(behind, 'commit')} behind`;
  const reason = why === null ? '' : `: ${oneLine(why, 300)}`;
  return `${oneName(branch)} has stood still for ${ageAt(since, at)}, and ${where}${reason}`;
}

const ageAt = (since: string, at: string): string => ageWords(Date.parse(at) - Date.parse(since));

/** `2 channels stand still`, `1 channel moves again`. */
export const channelsHeading = ({ stands, moving }: Pick<ChannelAlarm, 'stands' | 'moving'>): string =>
  stands.length > 0
    ? `${plural(stands.length, 'channel')} ${stands.length === 1 ? 'stands' : 'stand'} still`
    : `${plural(moving.length, 'channel')} ${moving.length === 1 ? 'moves' : 'move'} again`;

/** What is said of a main branch that lost the commit where it was. */
export const lostMainFacts = ({ mainBranch, lost, commit }: LostMain): string[] => [
  `${oneName(mainBranch)} was force-pushed: it is at ${commit.slice(0, 12)}, and does not have ${lost.slice(0, 12)} any more.`,
  'No channel goes back by itself, and none was moved for it. If somebody meant it, move channels by hand: lockkeeper channels reset HOST',
  `What was there: git fetch REMOTE ${lost}`,
];
