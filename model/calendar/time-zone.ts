export interface WallTime {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

export const HOUR_SECONDS = 3600;

/** Making a formatter takes a hundred times as long as using it. */
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatter(timeZone: string): Intl.DateTimeFormat {
  const known = formatters.get(timeZone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-US', { timeZone, year: 'numeric', timeZoneName: 'longOffset' });
  formatters.set(timeZone, made);
  return made;
}

/**
 * Whether a text is a name in the tz database, in its own spelling. `Intl` also takes other spellings of the letters, which
 * the database's files, and so Temporal's server, do not.
 */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Z]\w*(?:[/+-]\w+)*$/.test(name) || /\/[a-z]/.test(name)) return false;
  try {
    const { timeZone } = formatter(name).resolvedOptions();
    return timeZone === name || timeZone.toLowerCase() !== name.toLowerCase();
  } catch {
    return false;
  }
}

/** How many seconds a zone's clocks are ahead of UTC. @param instant seconds since 1970 */
export function utcOffset(timeZone: string, instant: number): number {
  const text = formatter(timeZone).format(instant * 1000);
  const [, sign, hours = 0, minutes = 0, seconds = 0] = /([+-])(\d+):(\d+)(?::(\d+))?$/.exec(text) ?? [];
  const size = Number(hours) * HOUR_SECONDS + Number(minutes) * 60 + Number(seconds);
  return sign === '-' ? -size : size;
}

/** What clocks in a zone show at an instant, in seconds since 1970. */
export function wallTime(timeZone: string, instant: number): WallTime {
  const local = new Date((instant + utcOffset(timeZone, instant)) * 1000);
  return {
    year: local.getUTCFullYear(),
    month: local.getUTCMonth() + 1,
    day: local.getUTCDate(),
    hour: local.getUTCHours(),
    minute: local.getUTCMinutes(),
    second: local.getUTCSeconds(),
  };
}

/**
 * The instant, in seconds since 1970, at which clocks show a local time; fields may be past their end (hour 24).
 *
 * Go's `time.Date`, on which Temporal's server builds: the offset that holds where the local time, read as UTC, lies; and
 * where that offset does not hold at the instant found, the one that does. Of a time that the clocks show twice this is
 * the second east of Greenwich, and the first west of it. Of a time that they jump over it is one beside the gap.
 */
export function instantOf(timeZone: string, wall: WallTime): number {
  const asUtc = Date.UTC(wall.year, wall.month - 1, wall.day, wall.hour, wall.minute, wall.second) / 1000;
  const near = asUtc - utcOffset(timeZone, asUtc);
  return asUtc - utcOffset(timeZone, near);
}

/**
 * Whether an instant lies in an hour that the clocks of a zone show twice, as in autumn's night, or in the hour after it: where
 * Temporal's firings are not those of systemd.
 */
export function isNearRepeatedHour(timeZone: string, instant: number): boolean {
  const shown = [-2, -1, 0, 1].map((hours) => wallTime(timeZone, instant + hours * HOUR_SECONDS).hour);
  return shown.some((hour, index) => hour === shown[index + 1]);
}
