import { shellQuote } from '../model/text.js';

let ownOptions: readonly string[] = [];

/** Notes the `--state-dir` that this process was given: the commands that it tells people to type need it too. */
export function noteStateDir(folder: string | undefined): void {
  ownOptions = folder === undefined ? [] : ['--state-dir', folder];
}

/** A `lockkeeper` command that a person may type next, as one line for a shell. */
export const typed = (command: string, ...words: readonly string[]): string =>
  ['lockkeeper', command, ...[...words, ...ownOptions].map(shellQuote)].join(' ');
