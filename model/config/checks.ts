import { parseCalendar, toScheduleSpec } from '../calendar/index.js';
import { BadInput } from '../checks/names.js';

/** Checks of values that only a configuration holds; the others are those of `model/checks/names.ts`. */

export const isInstanceName = (value: string): boolean => /^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$/.test(value);

/** Name of an instance: it becomes a part of schedule and run ids, and of names of systemd units. */
export function checkInstanceName(value: string, field: string): string {
  if (isInstanceName(value)) return value;
  throw new BadInput(
    field,
    value,
    'is not a valid instance name: give at most 60 letters, digits, "_" and "-", starting with a letter or digit.',
  );
}

export function checkAbsolutePath(value: string, field: string): string {
  if (/^\/[^\p{Cc}]*$/u.test(value)) return value;
  throw new BadInput(field, value, 'is not an absolute path: write it from the first "/" on.');
}

export function checkFolderInside(value: string, field: string): string {
  const parts = value.split('/').filter((part) => part !== '' && part !== '.');
  if (!value.startsWith('/') && !parts.includes('..') && !/\p{Cc}/u.test(value)) return parts.join('/');
  throw new BadInput(field, value, 'is not a folder inside the repository: give a relative path without "..".');
}

export function checkTimeZone(value: string, field: string): string {
  try {
    new Intl.DateTimeFormat('en', { timeZone: value });
    return value;
  } catch {
    throw new BadInput(field, value, 'is not a time zone: write one such as Europe/Berlin.');
  }
}

/** One line of text, for people or for a command's arguments. */
export function checkLine(value: string, field: string): string {
  if (value !== '' && value.length <= 1000 && !/\p{Cc}/u.test(value)) return value;
  throw new BadInput(field, value, 'is refused: give one line of 1 to 1000 characters.');
}

/** A calendar expression that a Temporal schedule can say, whatever its time zone. */
export function checkCalendar(value: string, field: string): string {
  toScheduleSpec([parseCalendar(value, field)], { timeZone: 'UTC', field });
  return value;
}
