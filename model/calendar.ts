/**
 * Calendar events as systemd writes them in `OnCalendar=` (systemd.time(7)), without I/O: read, printed in systemd's normal
 * form, told what they come to, and turned into the spec of a Temporal schedule.
 */
export { nextFirings } from './calendar/next-firings.js';
export { parseCalendar } from './calendar/parse.js';
export { printCalendar } from './calendar/print.js';
export { toScheduleSpec } from './calendar/schedule-spec.js';
export { isNearRepeatedHour, utcOffset, wallTime } from './calendar/time-zone.js';
export type { CalendarEvent } from './calendar/types.js';
