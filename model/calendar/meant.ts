import { SHORTHANDS } from './shorthands.js';
import { isTimeZone } from './time-zone.js';
import { dayNamed, printWeekdays } from './weekdays.js';

/**
 * What somebody most likely means who writes no calendar event, but as for cron (`0 4 * * 1-5`) or as one speaks (`every day at
 * 4am`): an event that may be one, or `null`.
 */
export function meant(text: string): string | null {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const [only = ''] = words;
  if (words.length === 1 && only.startsWith('@')) return shorthand(only.slice(1).toLowerCase());
  return isCron(words) ? fromCron(words) : fromSpeech(words);
}

const shorthand = (word: string): string | null =>
  word === 'midnight' ? '*-*-* 00:00' : (SHORTHANDS.get(word) ?? null);

/** Five fields: minute, hour, day of the month, month, weekday. */
export const isCron = (words: readonly string[]): boolean =>
  words.length === 5 && words.every((word, index) => (index < 4 ? /^[\d*][\d*,/-]*$/ : /^[\w*][\w*,/-]*$/).test(word));

function fromCron([minute = '', hour = '', day = '', month = '', weekday = '']: readonly string[]): string | null {
  const days = weekday === '*' ? '' : cronWeekdays(weekday);
  // Cron starts on days that fit either of the two, which no single event says.
  if (days === null || (days !== '' && day !== '*')) return null;
  const field = (value: string, first: number): string =>
    value.replace(/^\*\//, `${first}/`).replaceAll(/(\d+)-(\d+)/g, '$1..$2');
  return `${days} *-${field(month, 1)}-${field(day, 1)} ${field(hour, 0)}:${field(minute, 0)}`.trim();
}

/** Cron counts from Sunday, which is both 0 and 7. */
function cronWeekdays(text: string): string | null {
  const days = new Set<number>();
  for (const part of text.split(',')) {
    const [first = -1, last = first] = part.split('-').map(cronWeekday);
    if (first < 0 || last < first) return null;
    for (let day = first; day <= last; day += 1) days.add((day + 6) % 7);
  }
  return printWeekdays([...days].sort((a, b) => a - b));
}

/** -1 for what is none. */
function cronWeekday(text: string): number {
  if (/^[0-7]$/.test(text)) return Number(text);
  const day = dayNamed(text);
  return day === -1 ? -1 : day + 1;
}

const FILLERS = new Set(['every', 'each', 'day', 'days', 'everyday', 'daily', 'at', 'on', 'the', "o'clock", 'and']);
const SPANS: Readonly<Record<string, Spoken>> = {
  weekly: { days: [0] },
  monthly: { date: '*-*-01' },
  noon: { time: '12:00' },
  midnight: { time: '00:00' },
  weekdays: { days: [0, 1, 2, 3, 4] },
  workdays: { days: [0, 1, 2, 3, 4] },
  weekend: { days: [5, 6] },
  weekends: { days: [5, 6] },
};

interface Spoken {
  readonly days?: readonly number[];
  readonly date?: string;
  readonly time?: string;
  readonly zone?: string;
}

function fromSpeech(words: readonly string[]): string | null {
  // "4 am" is one time.
  const joined = words.join(' ').replaceAll(/(\d) ([ap]m)\b/gi, '$1$2');
  let said: Spoken = {};
  for (const word of joined.split(' ').map((each) => each.replace(/,$/, ''))) {
    if (FILLERS.has(word.toLowerCase())) continue;
    const part = spoken(word);
    if (part === null) return null;
    // A weekday that is named wins over the one that "weekly" has by itself.
    said = {
      ...said,
      ...part,
      ...(said.days !== undefined && part.days !== undefined ? { days: both(said, part) } : {}),
    };
  }
  const { days, date = '*-*-*', time = '00:00', zone } = said;
  return [...(days === undefined ? [] : [printWeekdays(days)]), date, time, ...(zone === undefined ? [] : [zone])].join(
    ' ',
  );
}

const both = (one: Spoken, other: Spoken): readonly number[] =>
  one.days === SPANS.weekly?.days
    ? (other.days ?? [])
    : other.days === SPANS.weekly?.days
      ? (one.days ?? [])
      : [...new Set([...(one.days ?? []), ...(other.days ?? [])])].sort((a, b) => a - b);

function spoken(word: string): Spoken | null {
  const lower = word.toLowerCase();
  const known = Object.hasOwn(SPANS, lower) ? SPANS[lower] : undefined;
  if (known !== undefined) return known;
  const day = dayNamed(lower.replace(/s$/, ''));
  if (day !== -1) return { days: [day] };
  const time = timeOf(lower);
  if (time !== null) return { time };
  return word === 'UTC' || isTimeZone(word) ? { zone: word } : null;
}

/** `4`, `04.30`, `4am`, `16:00`, and `24:00`, which is the start of the next day. */
function timeOf(word: string): string | null {
  const [, hours, minutes = '00', half] = /^(\d{1,2})(?:[:.h](\d\d))?([ap]m)?$/.exec(word) ?? [];
  if (hours === undefined) return null;
  const hour = Number(hours);
  if (half !== undefined) return hour < 1 || hour > 12 ? null : `${(hour % 12) + (half === 'pm' ? 12 : 0)}:${minutes}`;
  return hour === 24 && minutes === '00' ? '00:00' : `${hour}:${minutes}`;
}
