/**
 * Calendar events as systemd writes them in `OnCalendar=` (systemd.time(7)), without I/O: read, printed in systemd's normal
 * form, told what they come to, and turned into the spec of a Temporal schedule.
 */
export { nextFirings } from './next-firings.js';
export { parseCalendar } from './parse.js';
export { printCalendar } from './print.js';
export { toScheduleSpec } from './schedule-spec.js';
export { isNearRepeatedHour, utcOffset, wallTime } from './time-zone.js';
export type { CalendarEvent } from './types.js';
