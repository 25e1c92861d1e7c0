import { membersBySystem, outputKind } from './output.js';
import type { OutputKind } from './types.js';

/** A package to build. */
export interface PackageTarget {
  readonly kind: 'package';
  /** System and attribute name below it, such as `x86_64-linux.hello`; the second may hold dots. */
  readonly name: string;
}

/** Packages of the flake. */
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
