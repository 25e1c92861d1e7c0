import type { Alarm } from '../contract/activities.js';
import { orgText, orgTimestamp, type NtfyMessage } from './notification.js';
import { oneLine } from '../text/one-line.js';
import { plural } from '../report/words.js';
import { formatSeconds } from '../text/text.js';

/** What notifiers say about an instance that has not succeeded for too long. */

/** The last line of a message: people are told once a day, however often it is tried. */
export const overdueMark = ({ instance }: Alarm, at: string): string =>
  oneLine(`Instance ${instance}, overdue ${at.slice(0, 10)}`);

/** @param opts.at ISO 8601 time of the look */
export function overdueMessage(alarm: Alarm, opts: { readonly topic: string; readonly at: string }): NtfyMessage {
  return {
    topic: opts.topic,
    title: oneLine(`⏰ No success for too long: ${alarm.repository} (${alarm.instance})`, 200),
    message: [...facts(alarm), overdueMark(alarm, opts.at)].join('\n'),
    tags: ['alarm_clock', 'flake', 'warning'],
    priority: 5,
  };
}

/** Property of an org entry that names a time without success: one entry for each, whichever day it is. */
export const overdueProperty = ({ instance, lastSuccess, since }: Alarm): string =>
  oneLine(`:LOCKKEEPER_OVERDUE: ${instance} ${lastSuccess ?? since}`);

/** One org-mode `TODO` entry, ending with a line feed. */
export const overdueEntry = (alarm: Alarm, at: string, timeZone: string): string =>
  `${[
    `* TODO ${orgText(oneLine(`Flake updates of ${alarm.repository} by ${alarm.instance}: no success for too long`, 400))}`,
    ':PROPERTIES:',
    `:CREATED: ${orgTimestamp(at, timeZone)}`,
    overdueProperty(alarm),
    ':END:',
    ...facts(alarm).map((fact) => `  : ${oneLine(fact, 1000)}`),
  ].join('\n')}\n`;

function facts({ instance, lastSuccess, since, limitSeconds, failures, paused }: Alarm): string[] {
  const name = oneLine(instance, 120);
  return [
    lastSuccess === null
      ? `It has not succeeded once since it was first looked at, ${minute(since)}.`
      : `It last succeeded ${minute(lastSuccess)}.`,
    `The limit is ${limitWords(limitSeconds)}.`,
    ...(failures === 0 ? [] : [`${plural(failures, 'failure')} in a row.`]),
    ...(paused ? [`Its schedule is paused: lockkeeper schedules resume ${name}`] : []),
    'What it did: lockkeeper list, lockkeeper schedules',
  ];
}

const limitWords = (seconds: number): string =>
  seconds % 86_400 === 0 ? plural(seconds / 86_400, 'day') : formatSeconds(seconds);

/** `2026-11-28 10:35 UTC` */
const minute = (iso: string): string => `${iso.slice(0, 16).replace('T', ' ')} UTC`;
