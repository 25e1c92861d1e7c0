import { oneLine } from '../text/one-line.js';
import type { HeldBackFailure, HeldBackInput, LetGoInput, Report } from './data.js';
import { shellQuote } from '../text/text.js';
import { logsCommand, nameList, shortRevision } from './words.js';

/** What all forms of a report say of inputs that stay where they are, and of those that move again. */

/** Lines of a log that a report shows of each: there may be several. */
export const HELD_BACK_LOG_LINES = 10;

/** How a form of the report shows names, dates and errors within a sentence. */
type Quote = (text: string) => string;
const plain: Quote = (text) => text;

/** Why an input stays where it is, and since when: `since 2026-11-01, too long; breaks kyushu: error: …`. */
export function heldBackWords(
  { targets, reason, since, overdue }: HeldBackInput,
  { startedAt }: Pick<Report, 'startedAt'>,
  quote = plain,
): string {
  const long = overdue === true ? ', too long' : '';
  const history = since === undefined || since === startedAt ? '' : `since ${quote(since.slice(0, 10))}${long}; `;
  return `${history}${targets.length === 0 ? '' : `breaks ${quote(nameList(targets))}: `}${quote(oneLine(reason, 500))}`;
}

/** Where a held-back input stays, and what it does not move to: `stays at 1a2b3c4d, not 5e6f7a8b`; `null` when that is not known. */
export const stayWords = ({ revision, newRevision }: HeldBackInput, quote = plain): string | null =>
  revision == null || newRevision == null
    ? null
    : `stays at ${quote(shortRevision(revision))}, not ${quote(shortRevision(newRevision))}`;

export const letGoWords = ({ since }: LetGoInput): string => `moves again; was held back since ${since.slice(0, 10)}`;

export const overdueInputs = ({ heldBack }: Report): readonly string[] =>
  heldBack.filter(({ overdue }) => overdue === true).map(({ input }) => input);

/** The command that shows the whole log of a target that breaks with an input which is held back. */
export const heldBackLogsCommand = (run: string, { target }: HeldBackFailure, input: string): string =>
  `${logsCommand(run, target)} --input ${shellQuote(input)}`;
