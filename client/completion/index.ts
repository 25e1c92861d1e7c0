import type { Command } from 'commander';
import { bash } from './bash.js';
import { describeCommands, type Described } from './described.js';
import { fish } from './fish.js';
import { zsh } from './zsh.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

const scripts = { bash, zsh, fish } satisfies Record<Shell, (commands: readonly Described[]) => string>;

export const completionScript = (program: Command, shell: Shell): string => scripts[shell](describeCommands(program));
