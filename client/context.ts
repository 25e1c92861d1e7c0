import { resolve } from 'node:path';
import { defaultStateRoot, stateDirectory, type StateDirectory } from '../model/state-directory.js';
import { noteStateDir } from './typed.js';

/** Options that every command takes. */
export interface GlobalOptions {
  readonly stateDir?: string;
  readonly json?: true;
}

/** What every command knows of the process that it runs in. */
export interface CommandContext {
  readonly state: StateDirectory;
  /** Results are JSON, for programs. */
  readonly json: boolean;
}

export function commandContext(options: GlobalOptions): CommandContext {
  noteStateDir(options.stateDir);
  const root = resolve(options.stateDir ?? defaultStateRoot(process.env));
  return { state: stateDirectory(root), json: options.json === true };
}
