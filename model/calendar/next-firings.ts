import { daySeeker, HOUR_START, MIDNIGHT, type Position } from './days.js';
import { HOUR, MINUTE, SECOND, valuesOf } from './field.js';
import { HOUR_SECONDS, instantOf, wallTime } from './time-zone.js';
import type { CalendarEvent } from './types.js';

/**
 * The next times at which a Temporal schedule of these events starts runs, in seconds since 1970 and in order.
 *
 * They are systemd's, but around the hour that clocks show twice in autumn, where they are what Temporal's server does: east of
 * Greenwich it takes the second of two equal times (systemd: the first), a time in the hour before comes again an hour later,
 * and of several in an hour some are left out; west of Greenwich it takes both of two equal times. A time that the clocks
 * jump over in spring is left out, as systemd does; where that is midnight, the whole day does not count for weekdays.
 * Unlike systemd's years, Temporal's end with 2100; this goes on to 2199.
 * @param after seconds since 1970; a firing at this very second is not among them
 * @param timeZone of events that name none
 * @returns at most `count`; fewer when nothing comes any more
 */
export function nextFirings(
  events: readonly CalendarEvent[],
  { after, count, timeZone }: { readonly after: number; readonly count: number; readonly timeZone: string },
): readonly number[] {
  const seekers = events.map((event) => seeker(event, event.timeZone ?? timeZone));
  const firings: number[] = [];
  for (let from = Math.floor(after); firings.length < count;) {
    const next = Math.min(...seekers.map((seek) => seek(from) ?? Infinity));
    if (next === Infinity) break;
    firings.push(next);
    from = next;
  }
  return firings;
}

/** Finds the first firing after an instant, in seconds, or `null`. */
function seeker(event: CalendarEvent, timeZone: string): (after: number) => number | null {
  const days = daySeeker(event, timeZone);
  const hours = valuesOf(event.hour, HOUR.from, HOUR.to);
  const minutes = valuesOf(event.minute, MINUTE.from, MINUTE.to);
  const seconds = valuesOf(event.second, SECOND.from, SECOND.to);

  /** The first firing in the day of a position, or where to look on. */
  function inDay(at: Position): number | Position {
    const hour = hours.find((each) => each >= at.hour);
    if (hour === undefined) return { ...at, day: at.day + 1, ...MIDNIGHT };
    const start = hour === at.hour ? at : { ...at, hour, ...HOUR_START };
    const found = firstWithin(start, minutes, seconds);
    if (found === null) return endOfHour(timeZone, start);
    const instant = instantOf(timeZone, found);
    // A time that the clocks jump over comes out as another hour.
    if (wallTime(timeZone, instant).hour === hour) return instant + found.late;
    return { ...start, hour: hour + 1, ...HOUR_START };
  }

  return (after) => {
    for (let at = days(startAfter(timeZone, after)); at !== null;) {
      const found = inDay(at);
      if (typeof found === 'number') return found;
      at = days(found);
    }
    return null;
  };
}

function startAfter(timeZone: string, after: number): Position {
  const now = wallTime(timeZone, after);
  const again = wallTime(timeZone, after - HOUR_SECONDS).hour === now.hour;
  return { ...now, second: now.second + 1, late: again ? HOUR_SECONDS : 0 };
}

/** The first minute and second of the position's hour that match, from the position on. */
function firstWithin(at: Position, minutes: readonly number[], seconds: readonly number[]): Position | null {
  const [first] = seconds;
  for (const minute of minutes) {
    if (minute < at.minute) continue;
    const second = minute === at.minute ? seconds.find((each) => each >= at.second) : first;
    if (second !== undefined) return { ...at, minute, second };
  }
  return null;
}

/** The start of the next hour. If that is two hours away, Temporal's server looks through this hour once more. */
function endOfHour(timeZone: string, at: Position): Position {
  const start = { ...at, ...HOUR_START };
  const next = { ...start, hour: at.hour + 1 };
  const skipped = instantOf(timeZone, next) - instantOf(timeZone, start) > HOUR_SECONDS;
  return skipped && at.late === 0 ? { ...start, late: HOUR_SECONDS } : next;
}
