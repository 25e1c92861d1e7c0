import type { Command } from 'commander';
import { completionScript, type Shell } from '../completion/index.js';
import { result } from '../terminal/output.js';

export function completion(program: Command, shell: Shell): number {
  result(completionScript(program, shell));
  return 0;
}
