import type { Command } from 'commander';
import type { CommandContext } from '../context.js';

export interface Declaration {
  readonly program: Command;
  /** Read when a command runs: global options stand anywhere. */
  readonly context: () => CommandContext;
  /** Takes the exit status of the command that ran. */
  readonly exit: (status: number) => void;
}
