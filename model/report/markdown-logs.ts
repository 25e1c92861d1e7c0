import { gatesOf, type HeldBackFailure, type Report, type ReportedTarget } from './data.js';
import { stripControl, tail } from '../text/text.js';
import type { Part } from './markdown-fit.js';
import { code, codeBlock, html } from './markdown-parts.js';
import { HELD_BACK_LOG_LINES, heldBackLogsCommand } from './held-back-words.js';
import { brokenTargets, builtNoun, logsCommand, SHOWN_LOG_BYTES, SHOWN_LOG_LINES, verdictWords } from './words.js';

const HELD_BACK_LOG_BYTES = 2 * 1024;

/** The parts of a report in Markdown that show ends of logs, folded. Where there is no room, the log is the first to go. */

/** One folded section for each broken target. */
export function brokenSections(report: Report): Part {
  const broken = brokenTargets(report);
  const noun = `broken ${builtNoun(report)}s${gatesOf(report).length === 0 ? '' : ' and gates'}`;
  return {
    ...{ head: '', gap: '\n\n', rank: 4, share: 1 / 4 },
    items: broken.map((target) =>
      withAndWithout(shownLog(target.logTail, SHOWN_LOG_LINES, SHOWN_LOG_BYTES), (log) =>
        brokenSection(report, target, log),
      ),
    ),
    leftOut: (shown) => [broken.length - shown, noun],
  };
}

const withAndWithout = (log: string, section: (log: string) => string): readonly [string, string] => [
  section(log),
  section(''),
];

const brokenSection = (report: Report, target: ReportedTarget, log: string): string =>
  folded(
    `✘ <code>${html(target.name)}</code> ${verdictWords(target)}`,
    [
      target.error === null ? '' : `error: ${code(target.error)}`,
      target.failedDrv === null ? '' : `derivation: ${code(target.failedDrv)}`,
      wholeLog(target.logPath, logsCommand(report.run, target.name)),
    ],
    log,
  );

export function heldBackSections(report: Report): Part {
  const failures = report.heldBack.flatMap(({ input, failures: [first] = [] }) =>
    first === undefined ? [] : [{ input, failure: first }],
  );
  return {
    ...{ head: '', gap: '\n\n', rank: 7, share: 1 / 16 },
    items: failures.map(({ input, failure }) =>
      withAndWithout(shownLog(failure.logTail, HELD_BACK_LOG_LINES, HELD_BACK_LOG_BYTES), (log) =>
        heldBackSection(report, input, failure, log),
      ),
    ),
    leftOut: (shown) => [failures.length - shown, 'logs of inputs that are held back'],
  };
}

const heldBackSection = (report: Report, input: string, failure: HeldBackFailure, log: string): string =>
  folded(
    `✘ <code>${html(failure.target)}</code> with <code>${html(input)}</code>`,
    [
      failure.failedDrv === null ? '' : `derivation: ${code(failure.failedDrv)}`,
      wholeLog(failure.logPath, heldBackLogsCommand(report.run, failure, input)),
    ],
    log,
  );

const wholeLog = (logPath: string | null, command: string): string =>
  logPath === null ? '' : `whole log: ${code(logPath)}, or ${code(command)}`;

/** A part of which only the first line is seen until somebody opens it. */
function folded(summary: string, facts: readonly string[], log: string): string {
  const listed = facts.filter((fact) => fact !== '').map((fact) => `- ${fact}`);
  return [
    `<details>\n<summary>${summary}</summary>`,
    ...(listed.length === 0 ? [] : [listed.join('\n')]),
    ...(log.trim() === '' ? [] : [codeBlock(log)]),
    '</details>',
  ].join('\n\n');
}

const shownLog = (logTail: string | null, lines: number, bytes: number): string =>
  tail(stripControl(logTail ?? ''), { lines, bytes });
