import { BadInput } from '../checks/names.js';
import { badInputs } from './bad-inputs.js';
import type { Instance, InstanceOptions } from './options.js';

/** What has to hold of several options of an instance together. */
export interface Rule {
  /** Options that it looks at: it is not asked while one of them could not be read. */
  readonly of: readonly (keyof InstanceOptions)[];
  /**
   * What is wrong, a message each.
   * @param where the instance stands, such as `instances.daily`
   */
  readonly faults: (instance: Instance, where: string) => readonly string[];
}

export interface Fault {
  readonly option: string;
  readonly value: string;
  readonly wayOut: string;
}

export const fault = (option: string, value: unknown, wayOut: string): Fault => ({
  option,
  value: typeof value === 'string' ? value : JSON.stringify(value ?? null),
  wayOut,
});

/** @param check gives the fault or throws a `BadInput`; it sees no options but those that it names */
export const rule = <K extends keyof InstanceOptions>(
  of: readonly K[],
  check: (options: Pick<InstanceOptions, K>, where: string) => Fault | null,
): Rule => ({
  of,
  faults: (instance, where) => {
    try {
      const found = check(instance, where);
      return found === null ? [] : [new BadInput(`${where}.${found.option}`, found.value, found.wayOut).message];
    } catch (error) {
      return badInputs(error).map(({ message }) => message);
    }
  },
});
