import { resolve } from 'node:path';
import { COMBINATIONS, IDLE_RULES } from '../../model/config/combinations.js';
import { typedValue } from '../../model/config/kinds.js';
import {
  flagOf,
  INSTANCE_OPTIONS,
  isOfComparison,
  UPDATE_FLAGS,
  type InstanceOptions,
} from '../../model/config/options/index.js';
import { everyOption, flagKey, flagWord, type OptionTable, type Values } from '../../model/config/options/types.js';
import { attempt, brokenRules, complete, completed, readInstance, readTable } from '../../model/config/read-options.js';
import type { RunMode } from '../../model/run/options.js';
import type { Wording } from '../../model/config/wording.js';
import { faultsError } from '../errors.js';

/** What a person typed, by commander's names of the flags: `true`, or a word for each time that one was given. */
export type TypedFlags = Readonly<Record<string, true | readonly string[]>>;

export interface Asked {
  /** What a file would say of the instance. */
  readonly options: InstanceOptions;
  /** Names of the options that were given. */
  readonly given: ReadonlySet<string>;
  readonly own: Values<typeof UPDATE_FLAGS>;
}

const ON_COMMAND_LINE: Wording = {
  place: flagOf,
  name: flagOf,
  shown: (value) => (value === true ? null : Array.isArray(value) ? value.join(',') : String(value)),
};

/** Reads flags as a file is read, for a run of this kind. @throws CommandError with everything that is wrong */
export function readFlags(flags: TypedFlags, mode: RunMode = 'update'): Asked {
  const faults: string[] = [];
  const given = typedTable(INSTANCE_OPTIONS, flags, faults);
  const own = typedTable(UPDATE_FLAGS, flags, faults);
  if (faults.length > 0) throw faultsError(faults);
  const reader = { wording: ON_COMMAND_LINE, faults };
  const { values: ownValues } = readTable(own.table, UPDATE_FLAGS, reader);
  const { values, unread } = readInstance({ ...given.table, mode }, ON_COMMAND_LINE, faults);
  const options = completed({}, values);
  faults.push(
    ...everyOption(INSTANCE_OPTIONS).flatMap(([name, { needs = [] }]) =>
      !given.names.has(name) || needs.length === 0 || needs.some((each) => given.names.has(each))
        ? []
        : [`${flagOf(name)} does nothing by itself: add ${needs.map(flagOf).join(' or ')}.`],
    ),
    ...(options.skipUpdate ? uncompared([...given.names, ...own.names]) : []),
    ...brokenRules([...COMBINATIONS, ...IDLE_RULES], options, unread, ON_COMMAND_LINE),
  );
  if (faults.length > 0) throw faultsError(faults);
  return { options, given: given.names, own: complete(UPDATE_FLAGS, {}, ownValues) as Asked['own'] };
}

/** What counts for no run without an update. */
const uncompared = (names: readonly string[]): readonly string[] =>
  names
    .filter((name) => !isOfComparison(name))
    .map(
      (name) =>
        `${flagOf(name)} does nothing beside ${flagOf('skipUpdate')}, which changes nothing: leave one of them out.`,
    );

/** What was typed, as a parser of TOML would give it, and the names of these options. */
function typedTable(options: OptionTable, flags: TypedFlags, faults: string[]) {
  const table: Record<string, unknown> = {};
  const names = new Set<string>();
  const say = (name: string, value: unknown): void => {
    const [first = '', second] = name.split('.');
    names.add(name);
    table[first] = second === undefined ? value : { ...(table[first] as object | undefined), [second]: value };
  };
  for (const [name, { kind, flag, turnsOn }] of everyOption(options)) {
    const words = flag === undefined ? undefined : flags[flagKey(flag)];
    if (flag === undefined || words === undefined) continue;
    const value = words === true || attempt(faults, () => typedValue(kind, words, flagWord(flag)));
    say(name, kind.file === undefined || typeof value !== 'string' ? value : resolve(value));
    if (turnsOn !== undefined) say(turnsOn, true);
  }
  return { table, names };
}
