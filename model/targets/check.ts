import { membersBySystem, outputKind } from './output.js';
import type { OutputKind } from './types.js';

export interface CheckTarget {
  readonly kind: 'check';
  /** System and attribute name below it, such as `x86_64-linux.hello`; the second may hold dots. */
  readonly name: string;
}

export const checks: OutputKind<CheckTarget> = outputKind(
  {
    noun: 'check',
    prefix: 'check:',
    output: 'checks',
    example: 'check:*',
    derivation: [],
  },
  membersBySystem('checks'),
);
