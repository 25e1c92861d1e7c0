import { badInputs } from './bad-inputs.js';
import type { InstanceOption, InstanceOptions } from './options/index.js';
import { complaint, type Wording } from './wording.js';

/** What has to hold of several options of an instance together. */
export interface Rule {
  /** Options that it looks at: it is not asked while one of them could not be read. */
  readonly of: readonly (keyof InstanceOptions)[];
  /** What is wrong, a message each. */
  readonly faults: (options: InstanceOptions, wording: Wording) => readonly string[];
}

export interface Fault {
  readonly option: InstanceOption;
  readonly value: unknown;
  readonly wayOut: string;
}

export const fault = (option: InstanceOption, value: unknown, wayOut: string): Fault => ({ option, value, wayOut });

type Name = (option: InstanceOption) => string;

/** @param check gives the fault or throws a `BadInput`; it sees no options but those that it names */
export const rule = <K extends keyof InstanceOptions>(
  of: readonly K[],
  check: (options: Pick<InstanceOptions, K>, wording: { readonly name: Name; readonly place: Name }) => Fault | null,
): Rule => ({
  of,
  faults: (options, wording) => {
    try {
      const found = check(options, wording);
      return found === null ? [] : [complaint(wording, found.option, found.value, found.wayOut)];
    } catch (error) {
      return badInputs(error).map(({ message }) => message);
    }
  },
});
