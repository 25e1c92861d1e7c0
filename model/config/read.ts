import { normaliseUrl } from '../run/keys.js';
import { waysOfLanding } from '../landing/index.js';
import { BadInput } from '../checks/names.js';
import { compareNaturally } from '../text/natural-order.js';
import { checkInstanceName } from './checks.js';
import { COMBINATIONS, REPOSITORY_RULES } from './combinations.js';
import type { Instance, InstanceOptions } from './options/index.js';
import { TOP_OPTIONS } from './options/top.js';
import type { Values } from './options/types.js';
import {
  attempt,
  brokenRules,
  complete,
  completed,
  readInstance,
  readTable,
  tableAt,
  unknownKeys,
} from './read-options.js';
import type { Rule } from './rule.js';
import { inFile } from './wording.js';

export interface Configuration extends Values<typeof TOP_OPTIONS> {
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

/**
 * Reads a configuration from what a TOML or JSON parser made of it. A `null` counts as not given.
 * @param rules of the caller, which hold beside those of the options
 * @throws BadConfiguration with all faults at once
 */
export function readConfiguration(value: unknown, rules: readonly Rule[] = []): Configuration {
  const faults: string[] = [];
  const top = tableAt(value, 'the configuration', faults) ?? {};
  unknownKeys(top, [...Object.keys(TOP_OPTIONS), 'defaults', 'instances'], '', faults);
  const { name, runKeyFile } = top;
  const ofFile = readTable({ name, runKeyFile }, TOP_OPTIONS, { wording: inFile(''), faults });
  const defaults = readInstance(top.defaults ?? {}, inFile('defaults'), faults);
  const instances = Object.entries(tableAt(top.instances ?? {}, 'instances', faults) ?? {})
    .sort(([a], [b]) => compareNaturally(a, b))
    .map(([key, raw]) => {
      const wording = inFile(`instances.${key}`);
      attempt(faults, () => checkInstanceName(key, wording.place('')));
      const own = readInstance(raw, wording, faults);
      const instance: Instance = { name: key, ...completed(defaults.values, own.values) };
      const unread = [...own.unread, ...defaults.unread.filter((each) => own.values[each] === undefined)];
      faults.push(...brokenRules([...REPOSITORY_RULES, ...COMBINATIONS, ...rules], instance, unread, wording));
      return { instance, unread };
    });
  const branches = instances.filter(({ unread }) => !BRANCH_OPTIONS.some((each) => unread.includes(each)));
  faults.push(...sharedBranches(branches.map(({ instance }) => instance)));
  if (faults.length > 0) throw new BadConfiguration(faults);
  return {
    ...(complete(TOP_OPTIONS, {}, ofFile.values) as Values<typeof TOP_OPTIONS>),
    instances: instances.map(({ instance }) => instance),
  };
}

/** What decides which branch of which repository an instance writes. */
const BRANCH_OPTIONS = [
  'repoPath',
  'repoUrl',
  'mode',
  'skipUpdate',
  'branchPrefix',
  'branch',
  'perRun',
  'land',
  'autoMerge',
  'dryRun',
] as const satisfies readonly (keyof InstanceOptions)[];

/** Two instances that write one branch of one repository would have to go to another branch each time. */
function sharedBranches(instances: readonly Instance[]): string[] {
  const owners = new Map<string, string>();
  return instances.flatMap((instance) => {
    const { name, repoPath, repoUrl, mode, skipUpdate, land, perRun } = instance;
    const { lands, makesBranches, asksForge } = waysOfLanding[land];
    if (mode === 'verify' || skipUpdate || !lands || !makesBranches) return [];
    const option = asksForge && !perRun ? 'branch' : 'branchPrefix';
    const key = `${normaliseUrl(repoPath ?? repoUrl ?? '')}\n${instance[option]}`;
    const owner = owners.get(key);
    if (owner === undefined) {
      owners.set(key, name);
      return [];
    }
    const wayOut = `is also used by instances.${owner}, on the same repository: give each a ${option} of its own.`;
    return [new BadInput(`instances.${name}.${option}`, instance[option], wayOut).message];
  });
}
