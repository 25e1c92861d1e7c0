import { normaliseUrl } from '../ids.js';
import { BadInput } from '../names.js';
import { checkInstanceName } from './checks.js';
import { impossible } from './combinations.js';
import { isTable } from './kinds.js';
import { nearest } from './nearest.js';
import { INSTANCE_OPTIONS, type Instance, type InstanceOptions, type OptionTable } from './options.js';

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
 * @throws BadConfiguration with all faults at once
 */
export function readConfiguration(value: unknown): Configuration {
  const faults: string[] = [];
  const top = tableAt(value, 'the configuration', faults);
  unknownKeys(top, TOP, '', faults);
  const name =
    top.name === undefined || top.name === null
      ? null
      : (attempt(faults, () => checkInstanceName(shortly(top.name), 'name')) ?? null);
  const given = tableAt(top.defaults ?? {}, 'defaults', faults);
  const defaults = readOptions(given, TABLE, 'defaults', faults);
  const instances = Object.entries(tableAt(top.instances ?? {}, 'instances', faults))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([key, raw]) => {
      const where = `instances.${key}`;
      attempt(faults, () => checkInstanceName(key, where));
      const before = faults.length;
      const own = readOptions(tableAt(raw, where, faults), TABLE, where, faults);
      const instance: Instance = { name: key, ...complete(TABLE, defaults, own) };
      // What could not be read has its default here, and would give faults that are none.
      if (faults.length === before) faults.push(...impossible(instance, where));
      return [instance];
    });
  faults.push(...sharedBranches(instances));
  if (faults.length > 0) throw new BadConfiguration(faults);
  return { name, instances };
}

type Table = Readonly<Record<string, unknown>>;

function tableAt(value: unknown, where: string, faults: string[]): Table {
  if (isTable(value)) return value;
  faults.push(`${where} is no table: see "lockkeeper config schema", or docs/configuration.md.`);
  return {};
}

function attempt<T>(faults: string[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof BadInput)) throw error;
    faults.push(error.message);
    return undefined;
  }
}

function unknownKeys(table: Table, known: readonly string[], where: string, faults: string[]): void {
  for (const key of Object.keys(table)) {
    if (known.includes(key)) continue;
    const near = nearest(key, known);
    const wayOut = near === null ? `there are ${known.join(', ')}` : `did you mean "${near}"?`;
    faults.push(
      new BadInput(
        `${where === '' ? '' : `${where}.`}${key}`,
        shortly(table[key]),
        `is unknown: ${wayOut}${near === null ? '.' : ''}`,
      ).message,
    );
  }
}

const shortly = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** The options that are given, read; what cannot be read is a fault and left out. */
function readOptions(table: Table, options: OptionTable, where: string, faults: string[]): Table {
  unknownKeys(table, Object.keys(options), where, faults);
  const read = Object.entries(options).flatMap(([key, about]) => {
    const value = table[key];
    if (value === undefined || value === null) return [];
    const field = `${where}.${key}`;
    if ('options' in about)
      return [[key, readOptions(tableAt(value, field, faults), about.options, field, faults)] as const];
    const found = attempt(faults, () => about.kind.read(value, field));
    return found === undefined ? [] : [[key, found] as const];
  });
  return Object.fromEntries(read);
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

/** Two instances that write one branch of one repository would throw each other's updates away. */
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
