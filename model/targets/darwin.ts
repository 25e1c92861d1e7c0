import { membersOf, outputKind } from './output.js';
import type { OutputKind } from './types.js';

/** A Mac to build. */
export interface DarwinTarget {
  readonly kind: 'darwin';
  /** Attribute name under `darwinConfigurations`. */
  readonly name: string;
}

/** Systems of nix-darwin. */
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
