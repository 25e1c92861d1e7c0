import { daysFromEnd, MONTH, valuesOf } from './field.js';
import { instantOf, wallTime, type WallTime } from './time-zone.js';
import { YEARS, type CalendarEvent } from './types.js';

/** A time of day to look from, with the day it is on. */
export interface Position extends WallTime {
  /** Seconds added to the instant: an hour while this looks through the second of two equal hours. */
  readonly late: number;
}

export const HOUR_START = { minute: 0, second: 0, late: 0 } as const;
export const MIDNIGHT = { hour: 0, ...HOUR_START } as const;

/** Finds the first day from a position on that belongs to an event; at its first hour if it is another day. */
export function daySeeker(event: CalendarEvent, timeZone: string): (at: Position) => Position | null {
  const years = valuesOf(event.year, YEARS.from, YEARS.to);
  const months = valuesOf(event.month, MONTH.from, MONTH.to);

  return (at) => {
    const from = carried(at);
    const fromDay = dayNumber(from);
    for (const year of years) {
      if (year < from.year) continue;
      for (const month of months) {
        if (year === from.year && month < from.month) continue;
        for (const day of daysOf(event, year, month)) {
          const there = { ...from, year, month, day };
          const ahead = dayNumber(there) - fromDay;
          if (ahead < 0) continue;
          const position = ahead === 0 ? from : { ...there, ...MIDNIGHT };
          if (isWeekday(event, timeZone, position)) return position;
        }
      }
    }
    return null;
  };
}

/** Takes hours past 23 and days past the month's end into the next day, month and year. */
function carried(at: Position): Position {
  if (at.hour < 24 && at.day <= monthLength(at.year, at.month)) return at;
  const date = new Date(Date.UTC(at.year, at.month - 1, at.day, at.hour));
  return {
    ...at,
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
  };
}

const dayNumber = ({ year, month, day }: Position): number => Date.UTC(year, month - 1, day) / 86_400_000;

export const monthLength = (year: number, month: number): number => new Date(Date.UTC(year, month, 0)).getUTCDate();

function daysOf(event: CalendarEvent, year: number, month: number): readonly number[] {
  const length = monthLength(year, month);
  return event.fromMonthEnd ? daysFromEnd(event.day, length) : valuesOf(event.day, 1, length);
}

/**
 * Temporal's server asks for the weekday of the time where it stands; where a day has no midnight because the clocks jump over
 * it (America/Santiago in spring), that can be the day before.
 */
function isWeekday({ weekdays }: CalendarEvent, timeZone: string, at: Position): boolean {
  if (weekdays === null) return true;
  const { year, month, day } = wallTime(timeZone, instantOf(timeZone, at));
  return weekdays.includes((new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7);
}
