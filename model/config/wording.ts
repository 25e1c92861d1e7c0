import { BadInput } from '../checks/names.js';

/** What options are called where a person wrote them: in a file, or on a command line. */
export interface Wording {
  /** An option with the place where it stands, at the beginning of a message; `''` is the place itself. */
  readonly place: (option: string) => string;
  /** An option in the middle of a message. */
  readonly name: (option: string) => string;
  /** A value as it was written; `null` where the option alone says it. */
  readonly shown: (value: unknown) => string | null;
}

/** What is wrong with an option, in one sentence. @param wayOut its end: what is wrong, and what to write instead */
export function complaint({ place, shown }: Wording, option: string, value: unknown, wayOut: string): string {
  const text = shown(value);
  return text === null ? `${place(option)} ${wayOut}` : new BadInput(place(option), text, wayOut).message;
}

/** @param where the table stands in a file, such as `instances.daily`; `''` is its top */
export const inFile = (where: string): Wording => ({
  place: (option) => [where, option].filter((part) => part !== '').join('.'),
  name: (option) => option,
  shown: (value) => (typeof value === 'string' ? value : JSON.stringify(value ?? null)),
});

/** A place inside of a value: a command line has none below its flags. */
export const inside = (field: string, below: string): string => (field.startsWith('--') ? field : `${field}${below}`);
