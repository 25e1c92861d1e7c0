import { membersOf, outputKind } from './output.js';
import type { OutputKind } from './types.js';

export interface HomeTarget {
  readonly kind: 'home';
  /** Attribute name under `homeConfigurations`, such as `alice@web`. */
  readonly name: string;
}

export const home: OutputKind<HomeTarget> = outputKind(
  {
    noun: 'home configuration',
    prefix: 'home:',
    output: 'homeConfigurations',
    example: 'home:*',
    derivation: ['activationPackage'],
  },
  membersOf('homeConfigurations'),
);
