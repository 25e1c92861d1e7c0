import { BadInput } from '../checks/names.js';
import { formatSize, parseSize } from '../text/size.js';
import { formatSpan, parseSpan } from '../text/span.js';
import { readEach } from './bad-inputs.js';
import { checkAbsolutePath, checkLine } from './checks.js';
import { inside } from './wording.js';

/** A JSON Schema, as far as ours needs it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What the value of an option may be: read from a file or a command line, described for people, and described for editors. */
export interface Kind<T> {
  /** For people, as in "a list of texts". */
  readonly words: string;
  readonly schema: JsonSchema;
  /**
   * @param field where the value stands, such as `instances.daily.schedule` or `--host`
   * @throws BadInput that names field, value and way out, or several of them (see `badInputs`)
   */
  readonly read: (value: unknown, field: string) => T;
  /**
   * The value for `read` that words of a command line mean, one for each time that the flag was given; missing: the last of them.
   * @throws BadInput for words that mean none
   */
  readonly typed?: (words: readonly string[], field: string) => unknown;
  /** Whether several values may be given: as a list with commas, or by giving the flag again. */
  readonly many?: 'with commas' | 'repeated';
  /** The only values. */
  readonly choices?: readonly string[];
  /** What becomes of the file whose path this is. */
  readonly file?: 'secret' | 'read' | 'written';
  /** A value as people write it; missing: as it is. */
  shown?(value: T): string;
}

/** The value that words of a command line mean. */
export const typedValue = (kind: Kind<unknown>, words: readonly string[], field: string): unknown =>
  kind.typed === undefined ? words.at(-1) : kind.typed(words, field);

const shown = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined ? 'nothing' : JSON.stringify(value);

const refuse = (field: string, value: unknown, wayOut: string): BadInput => new BadInput(field, shown(value), wayOut);

/** What a value is, for a person who wrote another one. */
function typeWords(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Date) return 'a date';
  if (typeof value === 'string') return 'text';
  return { boolean: 'true or false', number: 'a number', object: 'a table' }[typeof value as string] ?? 'nothing';
}

const wrongType = (field: string, value: unknown, words: string): BadInput =>
  refuse(field, value, `is ${typeWords(value)}: give ${words}.`);

export const flag: Kind<boolean> = {
  words: 'true or false',
  schema: { type: 'boolean' },
  read: (value, field) => {
    if (typeof value !== 'boolean') throw wrongType(field, value, 'true or false, without quotes');
    return value;
  },
};

/** @param check throws `BadInput` for an invalid text, else returns the text as it is used */
export const text = (words: string, check: (value: string, field: string) => string): Kind<string> => ({
  words,
  schema: { type: 'string' },
  read: (value, field) => {
    if (typeof value !== 'string') throw wrongType(field, value, `${words}, as text in quotes`);
    return check(value, field);
  },
});

export const path = text('an absolute path', checkAbsolutePath);
export const line = text('one line of text', checkLine);
export const secretFile: Kind<string> = { ...path, file: 'secret' };
export const readableFile: Kind<string> = { ...path, file: 'read' };
export const writtenFile: Kind<string> = { ...path, file: 'written' };

export const whole = (least: number, most: number): Kind<number> => ({
  words: `a whole number from ${least} to ${most}`,
  schema: { type: 'integer', minimum: least, maximum: most },
  read: (value, field) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType(field, value, 'a whole number');
    if (value < least || value > most) throw refuse(field, value, `is not a whole number from ${least} to ${most}.`);
    return value;
  },
  typed: (words, field) => {
    const word = words.at(-1) ?? '';
    if (!/^\d{1,9}$/.test(word)) throw refuse(field, word, `is not a whole number from ${least} to ${most}.`);
    return Number(word);
  },
});

const YEAR = 366 * 86_400;

/** A time span in seconds, also written as `90s`, `30min`, `12h` or `7d`. */
export const span = (least: number): Kind<number> => ({
  words: 'seconds, or a span such as "12h"',
  schema: {
    anyOf: [
      { type: 'integer', minimum: least, maximum: YEAR },
      { type: 'string', pattern: '^[0-9]{1,9} *(s|m|min|h|d|w)?$' },
    ],
  },
  read: (value, field) => {
    const seconds = typeof value === 'string' ? parseSpan(value) : value;
    if (typeof seconds !== 'number' || !Number.isInteger(seconds)) {
      throw refuse(field, value, 'is not a time span: give whole seconds, or text such as "30min", "12h" or "7d".');
    }
    if (seconds < least || seconds > YEAR)
      throw refuse(field, value, `is not between ${formatSpan(least)} and a year.`);
    return seconds;
  },
  shown: formatSpan,
});

/** A number of bytes, also written as `500M` or `4G`, in powers of 1024. */
export const size = (least: number): Kind<number> => ({
  words: 'bytes, or a size such as "4G"',
  schema: {
    anyOf: [
      { type: 'integer', minimum: least },
      { type: 'string', pattern: '^[0-9]{1,9} *[kmgtKMGT]?(i?[bB])?$' },
    ],
  },
  read: (value, field) => {
    const bytes = typeof value === 'string' ? parseSize(value) : value;
    if (typeof bytes !== 'number' || !Number.isSafeInteger(bytes))
      throw refuse(field, value, 'is not a size: give whole bytes, or text such as "500M" or "4G".');
    if (bytes < least) throw refuse(field, value, `is too small: give at least ${formatSize(least)}.`);
    return bytes;
  },
});

export const oneOf = <const T extends string>(values: readonly T[]): Kind<T> => ({
  words: values.map((value) => `"${value}"`).join(', '),
  schema: { enum: values },
  choices: values,
  read: (value, field) => {
    const found = values.find((each) => each === value);
    if (found === undefined) throw refuse(field, value, `is not one of ${values.join(', ')}.`);
    return found;
  },
});

export const listOf = <T>(kind: Kind<T>, plural: string): Kind<readonly T[]> => ({
  words: `a list of ${plural}`,
  schema: { type: 'array', items: kind.schema },
  many: 'repeated',
  read: (value, field) => {
    if (!Array.isArray(value)) throw wrongType(field, value, `a list of ${plural}, in [ ]`);
    return readEach(value, (each: unknown, index) => kind.read(each, inside(field, `[${index}]`)));
  },
  typed: (words, field) => words.map((word) => typedValue(kind, [word], field)),
});

/** A list of what holds no commas, which a command line may put between them, and after the last one. */
export const commaList = <T>(kind: Kind<T>, plural: string): Kind<readonly T[]> => ({
  ...listOf(kind, plural),
  many: 'with commas',
  typed: (words) => words.flatMap((word) => word.replace(/,\s*$/, '').split(',')).map((part) => part.trim()),
});

/** One value, or a list of them. */
export const oneOrMore = <T>(kind: Kind<T>, plural: string): Kind<readonly T[]> => {
  const list = listOf(kind, plural);
  return {
    words: `${kind.words}, or ${list.words}`,
    schema: { anyOf: [kind.schema, { ...list.schema, minItems: 1 }] },
    read: (value, field) => {
      if (!Array.isArray(value)) return [kind.read(value, field)];
      if (value.length === 0) throw refuse(field, value, `is empty: give ${kind.words}.`);
      return list.read(value, field);
    },
  };
};

/** `word`, or what `kind` reads. */
export const wordOr = <const W extends string, T>(word: W, kind: Kind<T>): Kind<W | T> => ({
  ...(kind.many === undefined ? {} : { many: kind.many }),
  words: `"${word}", or ${kind.words}`,
  schema: { anyOf: [{ const: word }, kind.schema] },
  read: (value, field) => (value === word ? word : kind.read(value, field)),
  typed: (words, field) => {
    const value = typedValue(kind, words, field);
    if (!Array.isArray(value) || !value.includes(word)) return value;
    if (value.length > 1) throw refuse(field, words.join(','), `is either "${word}" or ${kind.words}, not both.`);
    return word;
  },
});

/** A value that may be left out; without it the option is `null`. */
export const maybe = <T>(kind: Kind<T>): Kind<T | null> => kind;

/** A table of any names. @param check throws `BadInput` for an invalid entry */
export const tableOf = <T>(
  kind: Kind<T>,
  words: string,
  check: (name: string, value: T, field: string) => unknown,
): Kind<Readonly<Record<string, T>>> => ({
  words,
  schema: { type: 'object', additionalProperties: kind.schema },
  many: 'repeated',
  // "NAME VALUE", see joinNixOptions.
  typed: (pairs) => Object.fromEntries(pairs.map((pair) => [pair.replace(/ .*$/s, ''), pair.replace(/^[^ ]* /, '')])),
  read: (value, field) => {
    if (!isTable(value)) throw wrongType(field, value, words);
    const entries = readEach(Object.entries(value), ([name, each]) => {
      const found = kind.read(each, inside(field, `.${name}`));
      check(name, found, field);
      return [name, found] as const;
    });
    return Object.fromEntries(entries);
  },
});

/** A table with exactly these fields. @param typed one word of a command line; groups of the pattern are fields */
export const record = <F extends Readonly<Record<string, Kind<unknown>>>>(
  words: string,
  fields: F,
  typed: { readonly pattern: RegExp; readonly wayOut: string },
): Kind<{ readonly [K in keyof F]: F[K] extends Kind<infer T> ? T : never }> => ({
  words,
  schema: {
    type: 'object',
    properties: Object.fromEntries(Object.entries(fields).map(([name, kind]) => [name, kind.schema])),
    required: Object.keys(fields),
    additionalProperties: false,
  },
  read: (value, field) => {
    if (!isTable(value)) throw wrongType(field, value, words);
    const names = [...new Set([...Object.keys(value), ...Object.keys(fields)])];
    const entries = readEach(names, (name) => {
      const kind = Object.hasOwn(fields, name) ? fields[name] : undefined;
      const place = inside(field, `.${name}`);
      if (kind === undefined) throw refuse(place, value[name], `is unknown: give ${words}.`);
      return [name, kind.read(value[name], place)] as const;
    });
    return Object.fromEntries(entries) as never;
  },
  typed: ([text = ''], field) => {
    const found = typed.pattern.exec(text)?.groups;
    if (found === undefined) throw refuse(field, text, typed.wayOut);
    return found;
  },
});

export const isTable = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
