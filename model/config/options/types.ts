import type { Kind } from '../kinds.js';

/** One option: everything that reading, help, completion, editors and the documentation know of it. */
export interface Option<T> {
  readonly kind: Kind<T>;
  /** What holds when it is not given. */
  readonly fallback: T;
  /** A value as TOML writes it. */
  readonly example: string;
  /** What it does, as a clause in Markdown. */
  readonly doc: string;
  /** The flag of `update` that asks for it, in the notation of commander; missing where only a file can. */
  readonly flag?: string;
  /** `doc` in the place of the other one where flags are told of. */
  readonly help?: string;
  /** Options, such as `approval.enable`, one of which has to be given for this one to do anything. */
  readonly needs?: readonly string[];
  /** An option that is on when the flag of this one is given. */
  readonly turnsOn?: string;
}

export interface Subtable<O> {
  readonly doc: string;
  readonly options: O;
}

/** Options and tables of them, by the names that a file gives them. */
export type OptionTable = Readonly<
  Record<string, Option<unknown> | Subtable<Readonly<Record<string, Option<unknown>>>>>
>;

/** What the options of a table say, as it is read. */
export type Values<O> = {
  readonly [K in keyof O]: O[K] extends Option<infer T> ? T : O[K] extends Subtable<infer S> ? Values<S> : never;
};

/** Names of all options of a table, such as `exclude` and `approval.enable`. */
export type OptionName<O> = {
  [K in keyof O & string]: O[K] extends Subtable<infer S> ? `${K}.${keyof S & string}` : K;
}[keyof O & string];

export interface OptionGroup {
  readonly title: string;
  readonly options: OptionTable;
  /** Flags of `update` that ask nothing of the run itself. */
  readonly flags?: OptionTable;
}

export const option = <T>(
  kind: Kind<T>,
  fallback: T,
  example: string,
  doc: string,
  flag: Pick<Option<T>, 'flag' | 'help' | 'needs' | 'turnsOn'> = {},
): Option<T> => ({ kind, fallback, example, doc, ...flag });

/** All options of a table with their names, such as `exclude` and `approval.enable`. */
export const everyOption = (
  table: OptionTable,
  above = '',
): readonly (readonly [name: string, option: Option<unknown>])[] =>
  Object.entries(table).flatMap(([name, about]) =>
    'options' in about ? everyOption(about.options, `${name}.`) : [[`${above}${name}`, about] as const],
  );

/** What options say of the one with this name. */
export function valueOf(options: object, name: string): unknown {
  const [first = '', second] = name.split('.');
  const value = (options as Readonly<Record<string, unknown>>)[first];
  return second === undefined ? value : valueOf(value as object, second);
}

/** `--host` of `--host <name>`. */
export const flagWord = (flag: string): string => flag.split(' ')[0] ?? flag;

/** The name under which commander gives what was typed: `excludeInput` of `--exclude-input <name>`. */
export const flagKey = (flag: string): string =>
  flagWord(flag)
    .slice(2)
    .replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
