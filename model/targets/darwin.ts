import { membersOf, outputKind } from './output.js';
import type { OutputKind } from './types.js';

export interface DarwinTarget {
  readonly kind: 'darwin';
  /** Attribute name under `darwinConfigurations`. */
  readonly name: string;
}

export const darwin: OutputKind<DarwinTarget> = outputKind(
  {
    noun: 'Darwin system',
    prefix: 'darwin:',
    output: 'darwinConfigurations',
    example: 'darwin:*',
    derivation: ['system'],
  },
  membersOf('darwinConfigurations'),
);
