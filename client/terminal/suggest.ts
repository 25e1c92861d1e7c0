import { shellQuote } from '../../model/text/text.js';

let ownOptions: readonly string[] = [];

/** Notes the options that this process was given and that the commands need too that it tells people to type. */
export function noteOwnOptions(given: { readonly stateDir?: string; readonly runKeyFile?: string }): void {
  ownOptions = [
    ...ownOptions,
    ...(given.stateDir === undefined ? [] : ['--state-dir', given.stateDir]),
    ...(given.runKeyFile === undefined ? [] : ['--run-key-file', given.runKeyFile]),
  ];
}

/** A `lockkeeper` command that a person may type next, as one line for a shell. */
export const suggest = (command: string, ...words: readonly string[]): string =>
  ['lockkeeper', command, ...[...words, ...ownOptions].map(shellQuote)].join(' ');
