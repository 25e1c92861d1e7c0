import { membersBySystem, outputKind } from './output.js';
import type { OutputKind } from './types.js';

export interface PackageTarget {
  readonly kind: 'package';
  /** System and attribute name below it, such as `x86_64-linux.hello`; the second may hold dots. */
  readonly name: string;
}

export const packages: OutputKind<PackageTarget> = outputKind(
  {
    noun: 'package',
    prefix: 'package:',
    output: 'packages',
    example: 'package:*',
    derivation: [],
  },
  membersBySystem('packages'),
);
