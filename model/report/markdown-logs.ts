import { gatesOf } from './data.js';
import type { HeldBackFailure, Report, ReportedTarget } from './data.js';
import { stripControl, tail, utf8Length } from '../text/text.js';
import { code, codeBlock, html } from './markdown-parts.js';
import { HELD_BACK_LOG_LINES, heldBackLogsCommand } from './held-back-words.js';
import { brokenTargets, builtNoun, logsCommand, SHOWN_LOG_BYTES, SHOWN_LOG_LINES, verdictWords } from './words.js';

/** The parts of a report in Markdown that show ends of logs, folded, and the room that they may take in bytes. */
const BROKEN_BYTES = 16 * 1024;
const HELD_BACK_BYTES = 4 * 1024;

/** One folded section for each broken target that there is room for. */
export function brokenSections(report: Report): string[] {
  const broken = brokenTargets(report);
  const sections = withinRoom(
    BROKEN_BYTES,
    broken.map((target) => (logTail) => brokenSection(report, target, logTail)),
    broken.map(({ logTail }) => shownLog(logTail, SHOWN_LOG_LINES, SHOWN_LOG_BYTES)),
  );
  const more = broken.length - sections.length;
  return more > 0
    ? [...sections, `and ${more} more broken ${builtNoun(report)}s${gatesOf(report).length === 0 ? '' : ' and gates'}`]
    : sections;
}

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

/** One folded section for each input whose failure has a log. */
export function heldBackSections(report: Report): string[] {
  const failures = (report.heldBack ?? []).flatMap(({ input, failures: [first] = [] }) =>
    first === undefined ? [] : [{ input, failure: first }],
  );
  return withinRoom(
    HELD_BACK_BYTES,
    failures.map(
      ({ input, failure }) =>
        (log) =>
          heldBackSection(report, input, failure, log),
    ),
    failures.map(({ failure }) => shownLog(failure.logTail, HELD_BACK_LOG_LINES, HELD_BACK_BYTES / 2)),
  );
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

/** Sections that fit into so many bytes, each with the end of its log; of one that does not fit, the log is the first to go. */
function withinRoom(bytes: number, sections: readonly ((log: string) => string)[], logs: readonly string[]): string[] {
  const shown: string[] = [];
  let room = bytes;
  for (const [index, section] of sections.entries()) {
    const forms = [logs[index] ?? '', ''].map(section);
    const form = forms.find((each) => utf8Length(each) <= room);
    if (form === undefined) break;
    room -= utf8Length(form);
    shown.push(form);
  }
  return shown;
}

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
