import { normaliseUrl } from '../run/ids.js';
import { BadInput } from '../checks/names.js';
import { compareNaturally } from '../text/natural-order.js';
import { badInputs } from './bad-inputs.js';
import { checkInstanceName } from './checks.js';
import { COMBINATIONS } from './combinations.js';
import { isTable } from './kinds.js';
import { nearest } from './nearest.js';
import { INSTANCE_OPTIONS, type Instance, type InstanceOptions, type OptionTable } from './options.js';
import type { Rule } from './rule.js';

export interface Configuration {
  /** Tells its schedules from those of other configurations on the same server; `null` when it is not given. */
  readonly name: string | null;
  /** By name. */
  readonly instances: readonly Instance[];
}

/** Everything that is wrong with a configuration; each message names field, value and way out. */
export class BadConfiguration extends Error {
  override readonly name = 'BadConfiguration';

  constructor(readonly faults: readonly string[]) {
    super(faults.join('\n'));
  }
}

const TOP = ['name', 'defaults', 'instances'];
const TABLE: OptionTable = INSTANCE_OPTIONS;

/**
 * Reads a configuration from what a TOML or JSON parser made of it. A `null` counts as not given.
 * @param rules of the caller, which hold beside `COMBINATIONS`
 * @throws BadConfiguration with all faults at once
 */
export function readConfiguration(value: unknown, rules: readonly Rule[] = []): Configuration {
  const faults: string[] = [];
  const top = tableAt(value, 'the configuration', faults) ?? {};
  unknownKeys(top, TOP, '', faults);
  const name =
    top.name === undefined || top.name === null
      ? null
      : (attempt(faults, () => checkInstanceName(shortly(top.name), 'name')) ?? null);
  const defaults = readOptions(top.defaults ?? {}, TABLE, 'defaults', faults);
  const instances = Object.entries(tableAt(top.instances ?? {}, 'instances', faults) ?? {})
    .sort(([a], [b]) => compareNaturally(a, b))
    .map(([key, raw]) => {
      const where = `instances.${key}`;
      attempt(faults, () => checkInstanceName(key, where));
      const own = readOptions(raw, TABLE, where, faults);
      const instance: Instance = { name: key, ...complete(TABLE, defaults.values, own.values) };
      const unread = new Set([...own.unread, ...defaults.unread.filter((each) => own.values[each] === undefined)]);
      for (const { of, faults: faultsOf } of [...COMBINATIONS, ...rules])
        if (!of.some((each) => unread.has(each))) faults.push(...faultsOf(instance, where));
      return { instance, unread };
    });
  const branches = instances.filter(({ unread }) => !BRANCH_OPTIONS.some((each) => unread.has(each)));
  faults.push(...sharedBranches(branches.map(({ instance }) => instance)));
  if (faults.length > 0) throw new BadConfiguration(faults);
  return { name, instances: instances.map(({ instance }) => instance) };
}

type Table = Readonly<Record<string, unknown>>;

function tableAt(value: unknown, where: string, faults: string[]): Table | null {
  if (isTable(value)) return value;
  const wayOut = 'is no table: see "lockkeeper config schema", or docs/configuration.md.';
  faults.push(new BadInput(where, shortly(value), wayOut).message);
  return null;
}

function attempt<T>(faults: string[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    faults.push(...badInputs(error).map(({ message }) => message));
    return undefined;
  }
}

/** @returns the keys that the unknown ones most likely mean */
function unknownKeys(table: Table, known: readonly string[], where: string, faults: string[]): readonly string[] {
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

/** Options as they were read. */
interface Read {
  /** Those that are given. */
  readonly values: Table;
  /** Names of those that are given and could not be read, so that nobody knows what was meant. */
  readonly unread: readonly string[];
}

function readOptions(given: unknown, options: OptionTable, where: string, faults: string[]): Read {
  const table = tableAt(given, where, faults);
  if (table === null) return { values: {}, unread: Object.keys(options) };
  const values: Record<string, unknown> = {};
  const unread = [...unknownKeys(table, Object.keys(options), where, faults)];
  for (const [key, about] of Object.entries(options)) {
    const value = table[key];
    if (value === undefined || value === null) continue;
    const field = `${where}.${key}`;
    if ('options' in about) {
      const group = readOptions(value, about.options, field, faults);
      values[key] = group.values;
      if (group.unread.length > 0) unread.push(key);
    } else {
      const found = attempt(faults, () => about.kind.read(value, field));
      if (found === undefined) unread.push(key);
      else values[key] = found;
    }
  }
  return { values, unread };
}

/** What the instance says, else what `[defaults]` say, else what holds by itself. */
function complete(options: OptionTable, defaults: Table, own: Table): InstanceOptions {
  const values = Object.entries(options).map(([key, about]) => {
    if (!('options' in about)) return [key, own[key] ?? defaults[key] ?? about.fallback] as const;
    const [below, above] = [defaults[key], own[key]].map((each) => (isTable(each) ? each : {}));
    return [key, complete(about.options, below ?? {}, above ?? {})] as const;
  });
  return Object.fromEntries(values) as InstanceOptions;
}

/** What decides which branch of which repository an instance writes. */
const BRANCH_OPTIONS = [
  'repoPath',
  'repoUrl',
  'branchPrefix',
  'autoMerge',
  'dryRun',
] as const satisfies readonly (keyof InstanceOptions)[];

/** Two instances that write one branch of one repository would have to go to another branch each time. */
function sharedBranches(instances: readonly Instance[]): string[] {
  const owners = new Map<string, string>();
  return instances.flatMap((instance) => {
    const { name, repoPath, repoUrl, branchPrefix, autoMerge, dryRun } = instance;
    if (autoMerge || dryRun) return [];
    const key = `${normaliseUrl(repoPath ?? repoUrl ?? '')}\n${branchPrefix}`;
    const owner = owners.get(key);
    if (owner === undefined) {
      owners.set(key, name);
      return [];
    }
    const wayOut = `is that of instances.${owner} too, on the same repository: give each a branchPrefix of its own.`;
    return [new BadInput(`instances.${name}.branchPrefix`, branchPrefix, wayOut).message];
  });
}
