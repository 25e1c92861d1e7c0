import { LOG_TAIL_BYTES, LOG_TAIL_LINES } from '../../verify/verdict.js';
import { oneLine, oneName } from '../../text/one-line.js';
import type { HeldBackInput, Report, ReportedTarget } from '../data.js';
import { heldBackLogsCommand, stayWords } from '../held-back-words.js';
import { logsCommand, verdictWords } from '../words.js';
import { markup, link, logEnd, name, type Content, type Markup } from './markup.js';
import { facts, folded, sign } from './page.js';

const LIMITS = { lines: LOG_TAIL_LINES, bytes: LOG_TAIL_BYTES };

const code = (text: string | null): Content =>
  text === null || text === '' ? null : markup`<code>${oneLine(text, 1000)}</code>`;

/** A broken target: why, where its whole log is, and how that ends. */
export function brokenLog({ run }: Report, target: ReportedTarget, open: boolean): Markup {
  const { error, failedDrv, logPath, machine, logTail } = target;
  const heading = markup`${sign('✘', 'bad')} <b>${name(oneName(target.name))}</b>
    <span class="soft">${verdictWords(target)}</span>`;
  const about = facts([
    ['Error', error === null ? null : oneLine(error, 1000)],
    ['Derivation', code(failedDrv)],
    ['Whole log', logPath === null ? null : [code(logPath), machine === null ? null : markup` on ${oneName(machine)}`]],
    ['To read it', logPath === null ? null : code(logsCommand(run, target.name))],
  ]);
  return folded(heading, [about, logEnd(logTail, LIMITS)], open);
}

/** An input that stays, and what there is to be read about why. */
export function heldBackItem({ run }: Report, held: HeldBackInput, words: string): Markup {
  const [failure] = held.failures ?? [];
  const logPath = failure === undefined ? (held.logPath ?? null) : failure.logPath;
  const about = facts([
    [
      'Revision',
      [stayWords(held), held.compareUrl == null ? null : markup` ${link('compare', held.compareUrl)}`].filter(
        (each) => each !== null,
      ),
    ],
    ['Derivation', code(failure?.failedDrv ?? null)],
    ['Whole log', code(logPath)],
    ['To read it', failure?.logPath == null ? null : code(heldBackLogsCommand(run, failure, held.input))],
  ]);
  const log = logEnd(failure?.logTail ?? null, LIMITS);
  return markup`<b>${name(oneName(held.input))}</b>:
    ${words}${about}${log === null ? null : folded('The end of the log', log)}`;
}
