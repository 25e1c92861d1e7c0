import type { Command } from 'commander';
import { bash } from '../program/completion/bash.js';
import { describeCommands } from '../program/completion/described.js';
import { fish } from '../program/completion/fish.js';
import { zsh } from '../program/completion/zsh.js';
import { result } from '../terminal/output.js';
import type { Shell } from '../program/machine.js';

/** `lockkeeper completion SHELL`: a script made from the commands and options as they are declared. */
export function completion(program: Command, shell: Shell): number {
  result({ bash, zsh, fish }[shell](describeCommands(program)));
  return 0;
}
