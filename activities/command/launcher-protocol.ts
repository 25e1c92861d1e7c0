import type { RunOptions } from './process.js';

export type LauncherOrder =
  | {
      readonly kind: 'run';
      readonly command: string;
      readonly args: readonly string[];
      readonly options: Omit<RunOptions, 'signal'>;
    }
  | ({ readonly kind: 'detach' } & DetachedCommand);

/** A command that lives on by itself, in a session of its own and without any of our files. */
export interface DetachedCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Default: that of the launcher. */
  readonly cwd?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** From a process to its launcher; `end` ends an order's command with everything below it. */
export type LauncherRequest =
  | { readonly kind: 'order'; readonly id: number; readonly order: LauncherOrder }
  | { readonly kind: 'end'; readonly id: number };

/** One for each order: the result of `run`, or why there is none. */
export type LauncherAnswer =
  | { readonly kind: 'done'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string };
