import { checkLine } from '../config/checks.js';
import { text, type Kind } from '../config/kinds.js';

/** What usual values depend on. */
export interface Machine {
  readonly cores: number;
  readonly memoryBytes: number;
  /** The state directory where nobody names one. */
  readonly stateRoot: string;
}

/** An option of a command of the workers' half, which reads it. The client, another program, tells of it in help and completion. */
export interface DeclaredOption<T = unknown> {
  /** In the notation of commander. */
  readonly flags: string;
  readonly description: string;
  /** What its value may be; missing for one that is given or not. */
  readonly kind?: Kind<T>;
  /** What it is when it is not given; missing: nothing. */
  readonly usual?: (machine: Machine) => T;
}

export type DeclaredOptions = Readonly<Record<string, DeclaredOption>>;

/** What options were given, by the names under which commander gives their values. */
export type Given<O> = {
  readonly [K in keyof O]: O[K] extends { readonly usual: (machine: Machine) => infer T }
    ? T
    : O[K] extends { readonly kind: Kind<infer T> }
      ? T | undefined
      : true | undefined;
};

const folder = text('a folder', checkLine);

/** The option of a state directory. @param description which one it is */
export const stateDirOption = (description: string) => ({
  flags: '--state-dir <folder>',
  description,
  kind: folder,
  usual: ({ stateRoot }: Machine) => stateRoot,
});
