import type { Alarm } from './types.js';
import { plural } from '../report/words.js';
import { oneLine } from '../text/one-line.js';
import { formatSeconds } from '../text/text.js';

/** What is said of an instance that has not succeeded for too long: one line each. */
export function overdueFacts({ instance, lastSuccess, since, limitSeconds, failures, paused }: Alarm): string[] {
  const name = oneLine(instance, 120);
  return [
    lastSuccess === null
      ? `It has not succeeded once since it was first looked at, ${minute(since)}.`
      : `It last succeeded ${minute(lastSuccess)}.`,
    `The limit is ${limitWords(limitSeconds)}.`,
    ...(failures === 0 ? [] : [`${plural(failures, 'failure')} in a row.`]),
    ...(paused ? [`Its schedule is paused: lockkeeper schedules resume ${name}`] : []),
    'See: lockkeeper list, lockkeeper schedules',
  ];
}

const limitWords = (seconds: number): string =>
  seconds % 86_400 === 0 ? plural(seconds / 86_400, 'day') : formatSeconds(seconds);

/** `2026-11-28 10:35 UTC` */
const minute = (iso: string): string => `${iso.slice(0, 16).replace('T', ' ')} UTC`;
