import type { CalendarEvent, Field, Span } from './types.js';
import { printWeekdays } from './weekdays.js';

/** The normal form of an event, letter by letter as `systemd-analyze calendar` prints it. */
export function printCalendar(event: CalendarEvent): string {
  const date = `${printField(event.year, 4)}-${printField(event.month)}${event.fromMonthEnd ? '~' : '-'}${printField(event.day)}`;
  const time = [event.hour, event.minute, event.second].map((field) => printField(field)).join(':');
  return [
    ...(event.weekdays === null ? [] : [printWeekdays(event.weekdays)]),
    date,
    time,
    ...(event.timeZone === null ? [] : [event.timeZone]),
  ].join(' ');
}

const printField = (field: Field, digits = 2): string =>
  field === null ? '*' : field.map((span) => printSpan(span, digits)).join(',');

function printSpan({ start, stop, step }: Span, digits: number): string {
  const padded = (value: number): string => String(value).padStart(digits, '0');
  const range = stop === null ? padded(start) : `${padded(start)}..${padded(stop)}`;
  return step === null || (stop !== null && step === 1) ? range : `${range}/${step}`;
}
