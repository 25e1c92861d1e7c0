import { membersBySystem, outputKind } from './output.js';
import type { OutputKind } from './types.js';

export interface ShellTarget {
  readonly kind: 'dev-shell';
  /** System and attribute name below it, such as `x86_64-linux.hello`; the second may hold dots. */
  readonly name: string;
}

/** Development shells: what has to be there to enter one. Not every shell can be built itself. */
export const devShells: OutputKind<ShellTarget> = outputKind(
  {
    noun: 'dev shell',
    prefix: 'devShell:',
    output: 'devShells',
    example: 'devShell:*',
    derivation: [],
    built: 'shell: shell.inputDerivation or shell',
  },
  membersBySystem('devShells'),
);
