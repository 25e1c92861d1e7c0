import { utcOffset, wallTime } from '../../model/calendar/index.js';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
/** As systemd counts: a year is 365.25 days, and a month its twelfth part. */
const YEAR = 365.25 * DAY;
const MONTH = YEAR / 12;

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;

/** A time in systemd's form, `Sun 2027-10-31 02:30:00 CEST`. @param instant seconds since 1970 */
export function localTime(instant: number, timeZone: string): string {
  const { year, month, day, hour, minute, second } = wallTime(timeZone, instant);
  const two = (value: number): string => String(value).padStart(2, '0');
  const weekday = WEEKDAYS[new Date(Date.UTC(year, month - 1, day)).getUTCDay()] ?? '';
  return `${weekday} ${year}-${two(month)}-${two(day)} ${two(hour)}:${two(minute)}:${two(second)} ${abbreviation(instant, timeZone)}`;
}

/** `CEST` or `EST` where `Intl` knows an abbreviation, and the offset from UTC (`+09`) where it does not. */
function abbreviation(instant: number, timeZone: string): string {
  for (const locale of ['en-GB', 'en-US']) {
    const parts = new Intl.DateTimeFormat(locale, { timeZone, timeZoneName: 'short' }).formatToParts(instant * 1000);
    const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
    if (/^[A-Z]+$/.test(name)) return name;
  }
  const offset = utcOffset(timeZone, instant);
  const size = Math.abs(offset);
  const minutes = Math.floor((size % HOUR) / MINUTE);
  const digits = [Math.floor(size / HOUR), ...(minutes === 0 ? [] : [minutes])];
  return `${offset < 0 ? '-' : '+'}${digits.map((value) => String(value).padStart(2, '0')).join('')}`;
}

/** A time from `now`, in systemd's words: `1 week 3 days left`, `2h 30min ago`. Both are seconds since 1970. */
export function timeFrom(now: number, instant: number): string {
  return `${span(Math.abs(instant - now))} ${instant > now ? 'left' : 'ago'}`;
}

function span(seconds: number): string {
  const whole = (unit: number): number => Math.floor(seconds / unit);
  const rest = (of: number, unit: number): number => Math.floor((seconds % of) / unit);
  const count = (value: number, name: string): string => `${value} ${name}${value === 1 ? '' : 's'}`;
  if (seconds >= YEAR) return `${count(whole(YEAR), 'year')} ${count(rest(YEAR, MONTH), 'month')}`;
  if (seconds >= MONTH) return `${count(whole(MONTH), 'month')} ${count(rest(MONTH, DAY), 'day')}`;
  if (seconds >= WEEK) return `${count(whole(WEEK), 'week')} ${count(rest(WEEK, DAY), 'day')}`;
  if (seconds >= 2 * DAY) return count(whole(DAY), 'day');
  if (seconds >= 25 * HOUR) return `1 day ${rest(DAY, HOUR)}h`;
  if (seconds >= 6 * HOUR) return `${whole(HOUR)}h`;
  if (seconds >= HOUR) return `${whole(HOUR)}h ${rest(HOUR, MINUTE)}min`;
  if (seconds >= 5 * MINUTE) return `${whole(MINUTE)}min`;
  if (seconds >= MINUTE) return `${whole(MINUTE)}min ${Math.floor(seconds % MINUTE)}s`;
  return seconds >= 1 ? `${Math.floor(seconds)}s` : `${Math.floor(seconds * 1000)}ms`;
}
