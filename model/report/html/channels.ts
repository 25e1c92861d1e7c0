import type { ChannelLook, SeenChannel } from '../../channels/look.js';
import { ageWords } from '../../text/age.js';
import { compareNaturally } from '../../text/natural-order.js';
import { oneLine, oneName } from '../../text/one-line.js';
import { plural } from '../words.js';
import { markup, name, type Markup } from './markup.js';
import { sign, table } from './page.js';

/** The channels of a repository, those first that main is ahead of. @param at when the page is made: milliseconds since 1970 */
export function channelTable({ repository, mainBranch, main, at: seenAt, channels }: ChannelLook, at: number): Markup {
  const age = (iso: string | null): string => (iso === null ? '' : ageWords(at - Date.parse(iso)));
  const where = ({ commit, behind }: SeenChannel): string => {
    if (commit === null) return 'not there';
    if (behind === null) return `not on ${oneName(mainBranch)}`;
    return behind === 0 ? `at ${oneName(mainBranch)}` : `${plural(behind, 'commit')} behind`;
  };
  return table(
    `Channels of ${oneLine(repository)}, as of ${seenAt.slice(0, 16).replace('T', ' ')} UTC, when ${oneName(mainBranch)} was at ${main.slice(0, 12)}`,
    [
      { title: 'Sign', of: 'sign', hidden: true },
      { title: 'Channel' },
      { title: 'Where', of: 'text' },
      { title: 'Stands for', of: 'number wide' },
      { title: 'Age', of: 'number' },
    ],
    [...channels]
      .sort(byNeed)
      .map((channel) => [
        channel.why === null ? sign('✔', 'good') : sign('■', 'warn'),
        [
          name(oneName(channel.branch)),
          channel.commit === null
            ? null
            : markup`<span class="below"><code>${channel.commit.slice(0, 12)}</code></span>`,
        ],
        [where(channel), channel.why === null ? null : markup`<span class="below">${oneLine(channel.why, 300)}</span>`],
        channel.behind === 0 ? '' : age(channel.since),
        age(channel.committedAt),
      ]),
  );
}

const byNeed = (one: SeenChannel, other: SeenChannel): number =>
  Number(one.why === null) - Number(other.why === null) || compareNaturally(one.branch, other.branch);
