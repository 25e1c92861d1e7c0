/** Milliseconds of 24 hours. */
export const DAY_MS = 86_400_000;

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, min: 60, h: 3600, d: 86_400, w: 604_800 };

/** Seconds of a time span such as `90s`, `30min`, `12h` or `7d`; a number without a unit is seconds. `null` for others. */
export function parseSpan(text: string): number | null {
  const match = /^(\d{1,9})\s*(s|m|min|h|d|w)?$/.exec(text.trim());
  return match === null ? null : Number(match[1]) * (SECONDS[match[2] ?? 's'] ?? 1);
}

/** The same the other way round, in the largest unit that gives a whole number: `12h` for 43200. */
export function formatSpan(seconds: number): string {
  const unit = ['d', 'h', 'min'].find((each) => seconds > 0 && seconds % (SECONDS[each] ?? 1) === 0) ?? 's';
  return `${seconds / (SECONDS[unit] ?? 1)}${unit}`;
}
