import { BadInput } from '../checks/names.js';
import { LANDING_MODES } from '../run/options.js';
import { badInputs } from './bad-inputs.js';
import { isTable } from './kinds.js';
import { nearest } from '../text/nearest.js';
import { INSTANCE_OPTIONS, type InstanceOptions } from './options/index.js';
import { LANDING_WORDS, landingMode } from './options/landing.js';
import type { OptionTable } from './options/types.js';
import type { Rule } from './rule.js';
import { complaint, type Wording } from './wording.js';

export type Table = Readonly<Record<string, unknown>>;

export interface Read {
  /** Those that are given. */
  readonly values: Table;
  /** Names of those that are given and could not be read, so that nobody knows what was meant. */
  readonly unread: readonly string[];
}

export function readInstance(given: unknown, wording: Wording, faults: string[]): Read {
  const { values, unread } = readTable(given, INSTANCE_OPTIONS, { wording, faults });
  const mode = LANDING_MODES.find((each) => each === values.land);
  if (mode === undefined) return { values, unread };
  // `land` is the same in one word, so the other words of this table must not say something else.
  const words = LANDING_WORDS[mode];
  for (const [word, meant] of Object.entries(words))
    if (values[word] !== undefined && values[word] !== meant)
      faults.push(complaint(wording, 'land', mode, `contradicts ${wording.name(word)}: leave one of them out.`));
  return { values: { ...values, ...words }, unread };
}

/** Reads a table; adds what is wrong to `faults`. @param above name of the option that holds the table, or `''` */
export function readTable(
  given: unknown,
  options: OptionTable,
  { wording, faults }: { readonly wording: Wording; readonly faults: string[] },
  above = '',
): Read {
  const table = tableAt(given, wording.place(above), faults);
  if (table === null) return { values: {}, unread: Object.keys(options) };
  const values: Record<string, unknown> = {};
  const unread = [...unknownKeys(table, Object.keys(options), wording.place(above), faults)];
  for (const [key, about] of Object.entries(options)) {
    const value = table[key];
    if (value === undefined || value === null) continue;
    const name = above === '' ? key : `${above}.${key}`;
    if ('options' in about) {
      const group = readTable(value, about.options, { wording, faults }, name);
      values[key] = group.values;
      if (group.unread.length > 0) unread.push(key);
    } else {
      const found = attempt(faults, () => about.kind.read(value, wording.place(name)));
      if (found === undefined) unread.push(key);
      else values[key] = found;
    }
  }
  return { values, unread };
}

/** An instance: what is said of it, else what is said above, else what holds by itself. */
export function completed(above: Table, own: Table): InstanceOptions {
  const options = complete(INSTANCE_OPTIONS, above, own) as InstanceOptions;
  return { ...options, land: landingMode(options) };
}

/** The same of any table. */
export const complete = (options: OptionTable, above: Table, own: Table): Table =>
  Object.fromEntries(
    Object.entries(options).map(([key, about]) => {
      if (!('options' in about)) return [key, own[key] ?? above[key] ?? about.fallback];
      const [theirs, ours] = [above[key], own[key]].map((each) => (isTable(each) ? each : {}));
      return [key, complete(about.options, theirs ?? {}, ours ?? {})];
    }),
  );

/** What breaks rules, a message each. @param unread options of which nobody knows what was meant */
export function brokenRules(
  rules: readonly Rule[],
  options: InstanceOptions,
  unread: readonly string[],
  wording: Wording,
): readonly string[] {
  // What is made of several words is as unknown as each of them.
  const unknown = new Set(unread.flatMap((each) => (each in LANDING_WORDS.branch ? [each, 'land'] : [each])));
  return rules.flatMap(({ of, faults }) => (of.some((each) => unknown.has(each)) ? [] : faults(options, wording)));
}

export function tableAt(value: unknown, where: string, faults: string[]): Table | null {
  if (isTable(value)) return value;
  const wayOut = 'is not a table: see "lockkeeper config schema", or docs/configuration.md.';
  faults.push(new BadInput(where, shortly(value), wayOut).message);
  return null;
}

export function attempt<T>(faults: string[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    faults.push(...badInputs(error).map(({ message }) => message));
    return undefined;
  }
}

/** @returns the keys that the unknown ones most likely mean */
export function unknownKeys(
  table: Table,
  known: readonly string[],
  where: string,
  faults: string[],
): readonly string[] {
  return Object.keys(table).flatMap((key) => {
    if (known.includes(key)) return [];
    const near = nearest(key, known);
    const wayOut = near === null ? `there are ${known.join(', ')}` : `did you mean "${near}"?`;
    faults.push(
      new BadInput(
        `${where === '' ? '' : `${where}.`}${key}`,
        shortly(table[key]),
        `is unknown: ${wayOut}${near === null ? '.' : ''}`,
      ).message,
    );
    return near === null ? [] : [near];
  });
}

const shortly = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value ?? null));
