import type { SeenChannel } from '../../model/channels/look.js';
import { plural } from '../../model/report/words.js';
import { oneLine, oneName } from '../../model/text/one-line.js';
import { ageWords } from '../../model/text/age.js';
import { formatSeconds } from '../../model/text/text.js';
import { pad, width } from '../progress/width.js';
import { paintFor } from '../terminal/output.js';

export interface ListedChannel extends Omit<SeenChannel, 'branch'> {
  readonly channel: string;
}

/** Channels as lines, one each. @param limitSeconds how long one may stand still; `null`: nobody said */
export function channelTable(listed: readonly ListedChannel[], limitSeconds: number | null): string {
  const style = paintFor(process.stdout);
  const names = listed.map(({ channel }) => oneName(channel));
  const room = Math.max(...names.map(width));
  return listed
    .map(({ commit, committedAt, behind, why, since }, index) => {
      const age = committedAt === null ? '' : `${formatSeconds((Date.now() - Date.parse(committedAt)) / 1000)} old`;
      const where =
        commit === null
          ? 'not there'
          : behind === null
            ? 'not on main'
            : behind === 0
              ? 'at main'
              : `${plural(behind, 'commit')} behind`;
      const stood = since === null ? 0 : (Date.now() - Date.parse(since)) / 1000;
      const still = stood < 60 ? '' : `still for ${ageWords(stood * 1000)}`;
      const cells = [
        pad(names[index] ?? '', room),
        commit?.slice(0, 12) ?? '',
        where,
        age,
        still,
        oneLine(why ?? '', 500),
      ];
      const line = cells.filter((cell) => cell !== '').join('  ');
      if (limitSeconds !== null && stood > limitSeconds) return style.red(line);
      return why === null ? line : style.yellow(line);
    })
    .join('\n');
}
