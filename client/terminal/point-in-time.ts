import { nextFirings, parseCalendar } from '../../model/calendar/index.js';
import { CommandError } from '../errors.js';

/** Seconds since 1970 of a calendar event that comes once, or of `now`. @param timeZone where the text names none */
export function pointInTime(text: string, timeZone: string, option: string): number {
  if (text === 'now') return Date.now() / 1000;
  const event = parseCalendar(text.replace(/^(\d{4}-\d\d-\d\d)T([\d:]+)(?:\.0+)?Z$/, '$1 $2 UTC'), option);
  // A second early: a firing at 1970 itself counts as well.
  const [time, another] = nextFirings([event], { after: -1, count: 2, timeZone });
  if (time !== undefined && another === undefined) return time;
  throw new CommandError(
    `${option} "${text}" is not a single point in time: write one such as "2027-10-30 20:00", with a time zone if need be.`,
  );
}
