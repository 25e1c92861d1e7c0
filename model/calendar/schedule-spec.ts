import type { CalendarSpec, ScheduleSpec } from '@temporalio/client';
import { BadInput } from '../checks/names.js';
import { monthLength } from './days.js';
import { DAY, daysFromEnd, HOUR, MINUTE, MONTH, SECOND, valuesOf } from './field.js';
import { printCalendar } from './print.js';
import type { CalendarEvent, Field } from './types.js';

/** Years that Temporal's server takes in a calendar. */
const YEARS = { from: 2000, to: 2100 } as const;

/** Bytes of a calendar's comment; the server refuses more. */
const COMMENT_BYTES = 200;

const FEBRUARY = 2;

const MONTHS = [
  'JANUARY',
  'FEBRUARY',
  'MARCH',
  'APRIL',
  'MAY',
  'JUNE',
  'JULY',
  'AUGUST',
  'SEPTEMBER',
  'OCTOBER',
  'NOVEMBER',
  'DECEMBER',
] as const;

const WEEKDAYS = ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY'] as const;

/**
 * The spec of a Temporal schedule that starts runs at all these events. The same events give the same spec.
 *
 * Temporal knows no days from the end of a month: those become calendars for months of 31 days, of 30, and for February in
 * common and in leap years. Each calendar carries its event's normal form as a comment, for the Temporal UI.
 * @param timeZone of events that name none
 * @param field where the events are from, for the error's message
 * @throws BadInput for what Temporal cannot say: several time zones in one schedule, years out of 2000 to 2100 only, and
 *   dates that do not exist
 */
export function toScheduleSpec(
  events: readonly CalendarEvent[],
  { timeZone, field = 'calendar event' }: { readonly timeZone: string; readonly field?: string },
): Pick<ScheduleSpec, 'calendars' | 'timezone'> {
  const [zone = timeZone, other] = [...new Set(events.map((event) => event.timeZone ?? timeZone))];
  if (other !== undefined) {
    throw new BadInput(
      field,
      events.map(printCalendar).join('; '),
      `uses several time zones (${zone}, ${other}), and a Temporal schedule has one: make it two schedules, or write all in one zone.`,
    );
  }
  return { calendars: events.flatMap((event) => calendarsOf(event, field)), timezone: zone };
}

interface Dates {
  readonly years: readonly number[] | null;
  readonly months: readonly number[] | null;
  readonly days: readonly number[] | null;
}

function calendarsOf(event: CalendarEvent, field: string): readonly CalendarSpec[] {
  const refuse = (reason: string): BadInput => new BadInput(field, printCalendar(event), reason);
  const years = listed(event.year, YEARS.from, YEARS.to);
  if (years?.length === 0) {
    throw refuse(`names only years that Temporal does not know: its calendars go from ${YEARS.from} to ${YEARS.to}.`);
  }
  const months = listed(event.month, MONTH.from, MONTH.to);
  const dates = event.fromMonthEnd
    ? datesFromEnd(event.day, years, months ?? ALL_MONTHS)
    : [{ years, months, days: listed(event.day, DAY.from, DAY.to) }];
  if (!dates.some(exists)) throw refuse('names a day that does not exist in any of its months and years.');
  return dates.map((each) => calendar(event, each));
}

const listed = (field: Field, from: number, to: number): readonly number[] | null =>
  field === null ? null : valuesOf(field, from, to);

const ALL_YEARS = valuesOf(null, YEARS.from, YEARS.to);
const ALL_MONTHS = valuesOf(null, MONTH.from, MONTH.to);

/** Days from the end of a month, as days from its start: a calendar for each length that a month can have. */
function datesFromEnd(day: Field, years: readonly number[] | null, months: readonly number[]): readonly Dates[] {
  const ofLength = (length: number): Dates => ({
    years,
    months: months.filter((month) => month !== FEBRUARY && monthLength(2001, month) === length),
    days: daysFromEnd(day, length),
  });
  const february = (length: number): Dates => ({
    years: (years ?? ALL_YEARS).filter((year) => monthLength(year, FEBRUARY) === length),
    months: months.filter((month) => month === FEBRUARY),
    days: daysFromEnd(day, length),
  });
  return [ofLength(31), ofLength(30), february(29), february(28)].filter(
    (dates) => dates.months?.length !== 0 && dates.years?.length !== 0,
  );
}

/** Whether there is any such day. */
function exists({ years, months, days }: Dates): boolean {
  const first = days?.[0] ?? 1;
  return (months ?? ALL_MONTHS).some((month) => (years ?? ALL_YEARS).some((year) => first <= monthLength(year, month)));
}

function calendar(event: CalendarEvent, { years, months, days }: Dates): CalendarSpec {
  const comment = printCalendar(event);
  return {
    second: ranges(listed(event.second, SECOND.from, SECOND.to), asItIs),
    minute: ranges(listed(event.minute, MINUTE.from, MINUTE.to), asItIs),
    hour: ranges(listed(event.hour, HOUR.from, HOUR.to), asItIs),
    dayOfMonth: ranges(days, asItIs),
    month: ranges(months, (month) => MONTHS[month - 1] ?? 'JANUARY'),
    year: ranges(years, asItIs),
    dayOfWeek: ranges(event.weekdays, (day) => WEEKDAYS[day] ?? 'MONDAY'),
    ...(comment.length <= COMMENT_BYTES ? { comment } : {}),
  };
}

const asItIs = (value: number): number => value;

interface Range<T> {
  readonly start: T;
  readonly end: T;
  readonly step: number;
}

/** A list of values as few ranges, in order; `*` for any value. */
function ranges<T>(values: readonly number[] | null, name: (value: number) => T): Range<T>[] | '*' {
  if (values === null) return '*';
  const found: Range<T>[] = [];
  for (let index = 0; index < values.length;) {
    const length = progression(values, index);
    const [start = 0, second] = values.slice(index, index + length);
    found.push({
      start: name(start),
      end: name(values[index + length - 1] ?? start),
      step: second === undefined ? 1 : second - start,
    });
    index += length;
  }
  return found;
}

/** How many values from `index` on are equally far apart; 1 where that would be only two. */
function progression(values: readonly number[], index: number): number {
  const [first = 0, second] = values.slice(index, index + 2);
  if (second === undefined) return 1;
  let length = 2;
  while (values[index + length] === first + length * (second - first)) length += 1;
  return length === 2 ? 1 : length;
}
