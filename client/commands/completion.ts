import type { Command } from 'commander';
import { bash } from '../completion/bash.js';
import { describeCommands } from '../completion/described.js';
import { fish } from '../completion/fish.js';
import { zsh } from '../completion/zsh.js';
import { result } from '../output.js';
import type { Shell } from '../program/machine.js';

/** `lockkeeper completion SHELL`: a script made from the commands and options as they are declared. */
export function completion(program: Command, shell: Shell): number {
  result({ bash, zsh, fish }[shell](describeCommands(program)));
  return 0;
}
