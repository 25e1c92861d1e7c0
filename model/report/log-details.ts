import { oneName } from '../text/one-line.js';
import { stripControl, tail, utf8Length } from '../text/text.js';
import { targetLabel } from '../targets/index.js';
import type { Verdict } from '../verify/verdict.js';
import { code, codeBlock } from './markdown-parts.js';
import { isBroken, logsCommand } from './words.js';

/** A failure that the Temporal UI shows: what broke, in one line, the end of its log, and the command that shows all of it. */
export interface ShownFailure {
  readonly what: string;
  readonly error: string;
  readonly logTail: string | null;
  readonly command: string;
}

const LINES = 8;
const LOG_BYTES = 700;

/** Failures as Markdown, as many as fit into so many bytes; the others have their rows in a table. */
export function logDetails(failures: readonly ShownFailure[], bytes: number): string {
  let text = '';
  for (const { what, error, logTail, command } of failures) {
    const log = tail(stripControl(logTail ?? ''), { lines: LINES, bytes: LOG_BYTES });
    const parts = [
      `#### ✘ ${code(oneName(what))}`,
      code(error, 300),
      log.trim() === '' ? '' : codeBlock(log),
      `- whole log: ${code(command, 300)}`,
    ];
    const next = `\n\n${parts.filter((part) => part !== '').join('\n\n')}`;
    if (utf8Length(text) + utf8Length(next) > bytes) break;
    text += next;
  }
  return text;
}

/** Verdicts that say what broke. */
export const brokenVerdicts = (run: string, verdicts: readonly Verdict[]): readonly ShownFailure[] =>
  verdicts.filter(isBroken).map(({ target, verdict, error, logTail }) => {
    const what = targetLabel(target);
    return { what, error: error ?? verdict, logTail, command: logsCommand(run, what) };
  });
