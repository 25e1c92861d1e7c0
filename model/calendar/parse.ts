import { BadInput } from '../checks/names.js';
import { DAY, DAY_FROM_END, HOUR, MINUTE, MONTH, parseField, SECOND, YEAR } from './field.js';
import { isCron, meant } from './meant.js';
import { printCalendar } from './print.js';
import { SHORTHANDS } from './shorthands.js';
import { isTimeZone } from './time-zone.js';
import type { CalendarEvent } from './types.js';
import { parseWeekdays } from './weekdays.js';

type DateFields = Pick<CalendarEvent, 'year' | 'month' | 'day' | 'fromMonthEnd'>;
type TimeFields = Pick<CalendarEvent, 'hour' | 'minute' | 'second'>;
type Refuse = (reason: string) => BadInput;

const LONGEST = 2000;

const ANY_DAY: DateFields = { year: null, month: null, day: null, fromMonthEnd: false };

/**
 * Reads a calendar event, by the grammar of systemd.time(7): weekdays, date, time and time zone, or a shorthand such as
 * `weekly`; and `@` with seconds since 1970. Spaces more than needed are taken as one.
 * @param field where the text is from, for the error's message
 * @throws BadInput that names the part at fault: what systemd refuses, fractions of seconds, and time zones by
 *   abbreviations of summer time (`CEST`), which are no names of the tz database
 */
export const parseCalendar = (text: string, field = 'calendar event'): CalendarEvent =>
  read(text, field, (reason) => new BadInput(field, text, `is not a calendar event: ${reason}.${suggestion(text)}`));

/** The event that was probably meant, in normal form; empty if there is none. */
function suggestion(text: string): string {
  const guess = text.length > LONGEST ? null : meant(text);
  if (guess === null) return '';
  try {
    return ` Did you mean "${printCalendar(read(guess, '', (reason) => new BadInput('', guess, reason)))}"?`;
  } catch {
    return '';
  }
}

function read(text: string, field: string, refuse: Refuse): CalendarEvent {
  if (text.length > LONGEST) throw refuse(`it is longer than ${LONGEST} characters`);
  const words = text.split(' ').filter((word) => word !== '');
  if (words.length === 0) throw refuse('it is empty; write one such as "daily" or "Mon..Fri 03:30"');
  if (isCron(words)) throw refuse('it is written as for cron; write one such as "*-*-* 03:30" or "Mon..Fri 03:30"');
  const timeZone = takeTimeZone(words, refuse);
  const zoned = (event: Omit<CalendarEvent, 'timeZone'>): CalendarEvent => ({ ...event, timeZone });

  const shorthand = words.length === 1 ? SHORTHANDS.get(words[0]?.toLowerCase() ?? '') : undefined;
  if (shorthand !== undefined) return { ...parseCalendar(shorthand, field), timeZone };

  const weekdays = /^[a-z]/i.test(words[0] ?? '') ? parseWeekdays(words.shift() ?? '', refuse) : null;
  if (words[0]?.startsWith('@') === true) {
    if (words.length > 1) throw refuse(`after "${words[0]}" comes nothing but a time zone`);
    return { ...parseCalendar(secondOf(words[0], refuse), field), weekdays, timeZone: 'UTC' };
  }
  const date = words[0]?.includes(':') === false ? parseDate(words.shift() ?? '', refuse) : ANY_DAY;
  const time = parseTime(words.shift() ?? '0:0', refuse);
  if (words.length > 0) throw refuse(`nothing but a time zone may come before or after "${words.join(' ')}"`);
  return zoned({ weekdays, ...date, ...time });
}

/** The last word is a time zone when it begins with a letter and is not the first; it is taken off. */
function takeTimeZone(words: string[], refuse: Refuse): string | null {
  const last = words.at(-1) ?? '';
  if (words.length < 2 || !/^[a-z]/i.test(last)) return null;
  words.pop();
  if (last.toUpperCase() === 'UTC') return 'UTC';
  if (isTimeZone(last)) return last;
  throw refuse(
    `"${last}" at its end is not a time zone; write its name in the tz database, such as Europe/Berlin or UTC`,
  );
}

function parseDate(text: string, refuse: Refuse): DateFields {
  const [, first = '', firstMark = '', second = '', secondMark, third] =
    /^([^-~]+)([-~])([^-~]+)(?:([-~])([^-~]+))?$/.exec(text) ?? [];
  if (first === '' || (secondMark !== undefined && firstMark === '~')) {
    throw refuse(
      `"${text}" is not a date; write year-month-day or month-day, with "~" in front of the day to count from the month's ` +
        'end, or hours:minutes',
    );
  }
  const [year, month, mark, day] =
    third === undefined ? ['*', first, firstMark, second] : [first, second, secondMark, third];
  const fromMonthEnd = mark === '~' && day !== '*';
  return {
    year: parseField(year, YEAR, refuse),
    month: parseField(month, MONTH, refuse),
    day: parseField(day, fromMonthEnd ? DAY_FROM_END : DAY, refuse),
    fromMonthEnd,
  };
}

function parseTime(text: string, refuse: Refuse): TimeFields {
  const [hour = '', minute, second = '0', ...more] = text.split(':');
  if (minute === undefined || more.length > 0) {
    throw refuse(`"${text}" is not a time; write hours:minutes or hours:minutes:seconds`);
  }
  const seconds = parseField(second, SECOND, refuse);
  const [only] = seconds ?? [];
  const every = seconds?.length === 1 && only?.start === 0 && only.stop === null && only.step === 1;
  return {
    hour: parseField(hour, HOUR, refuse),
    minute: parseField(minute, MINUTE, refuse),
    second: every ? null : seconds,
  };
}

/** `@SECONDS` as date and time in UTC. */
function secondOf(word: string, refuse: Refuse): string {
  if (!/^@\d{1,10}$/.test(word)) {
    throw refuse(
      `"${word}" is not a time; write "@" and whole seconds since 1970, or a shorthand without "@", such as "daily"`,
    );
  }
  return new Date(Number(word.slice(1)) * 1000).toISOString().replace('T', ' ').replace('.000Z', '');
}
