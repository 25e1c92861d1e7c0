import type { BadInput } from '../checks/names.js';

const NAMES = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;

/**
 * Reads a list of weekdays such as `Mon..Wed,Saturday`. Ranges are also written with `-`; a comma may stand at the end.
 * @param refuse makes the error for what cannot be read; gets the reason
 * @returns days from 0, Monday, in order; `null` when these are all days
 */
export function parseWeekdays(text: string, refuse: (reason: string) => BadInput): readonly number[] | null {
  const days = new Set<number>();
  for (const part of text.replace(/,$/, '').split(',')) {
    const ends = part.split(/\.\.|-/);
    const [first = -1, last = first] = ends.map((name) => weekday(name, text, refuse));
    if (ends.length > 2) throw refuse(`"${part}" is not a range of weekdays; write one such as "Mon..Wed"`);
    if (last < first) throw refuse(`its range of weekdays "${part}" runs backwards: a week begins with Monday`);
    for (let day = first; day <= last; day += 1) days.add(day);
  }
  return days.size === NAMES.length ? null : [...days].sort((a, b) => a - b);
}

/** 0, Monday, to 6; -1 for other text. */
export const dayNamed = (name: string): number =>
  NAMES.findIndex((full) => [full, full.slice(0, 3)].includes(name.toLowerCase()));

function weekday(name: string, text: string, refuse: (reason: string) => BadInput): number {
  const day = dayNamed(name);
  if (day !== -1) return day;
  throw refuse(
    name === text
      ? `"${text}" is neither a weekday such as "Mon" nor a shorthand that stands alone, such as "daily"`
      : `"${name}" in "${text}" is not a weekday; write "Mon" or "Monday"`,
  );
}

/** `Mon..Wed,Sat`: three or more days in a row become a range. */
export function printWeekdays(days: readonly number[]): string {
  const name = (day: number): string => {
    const full = NAMES[day] ?? '';
    return `${full.slice(0, 1).toUpperCase()}${full.slice(1, 3)}`;
  };
  const runs: { readonly first: number; last: number }[] = [];
  for (const day of days) {
    const run = runs.at(-1);
    if (run?.last === day - 1) run.last = day;
    else runs.push({ first: day, last: day });
  }
  return runs
    .map(({ first, last }) => {
      if (first === last) return name(first);
      return `${name(first)}${last - first > 1 ? '..' : ','}${name(last)}`;
    })
    .join(',');
}
