import { resolve } from 'node:path';
import { defaultStateRoot, runKeyFile, stateDirectory, type StateDirectory } from '../model/machine/state-directory.js';
import { noteOwnOptions } from './terminal/suggest.js';

export interface GlobalOptions {
  readonly stateDir?: string;
  readonly json?: true;
  readonly runKeyFile?: string;
}

export interface CommandContext {
  readonly state: StateDirectory;
  /** Results are JSON, for programs. */
  readonly json: boolean;
  /** The key of a server elsewhere; `null` when none is named. */
  readonly runKeyFile: string | null;
}

/** The context of a command that has a configuration file, which may name the run key where nothing else does. */
export function withRunKey(context: CommandContext, named: string | null): CommandContext {
  if (context.runKeyFile !== null || named === null) return context;
  noteOwnOptions({ runKeyFile: named });
  return { ...context, runKeyFile: named };
}

export function commandContext(options: GlobalOptions): CommandContext {
  noteOwnOptions(options);
  const root = resolve(options.stateDir ?? defaultStateRoot(process.env));
  return {
    state: stateDirectory(root),
    json: options.json === true,
    runKeyFile: runKeyFile(options.runKeyFile, process.env),
  };
}
