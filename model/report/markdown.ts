import type { Report, ReportedTarget } from '../report.js';
import { formatSeconds, shellQuote, stripControl, tail, utf8Length } from '../text.js';
import { code, codeBlock, html, link, table } from './markdown-parts.js';
import {
  approvalWords,
  brokenTargets,
  closureWords,
  dateWords,
  isBroken,
  landedWords,
  logsCommand,
  movementWords,
  OUTCOME_SYMBOLS,
  outcomeWords,
  plural,
  SHOWN_LOG_BYTES,
  SHOWN_LOG_LINES,
  VERDICTS,
} from './words.js';

/** Room for logs in one report: forges refuse texts past 64 KiB, and the whole logs are named beside them. */
const LOGS_BYTES = 32 * 1024;

/** The report for a pull request and for the Temporal UI. Ends with a line feed. */
export function renderMarkdown(report: Report): string {
  const landed = landedWords(report);
  const approval = approvalWords(report);
  const parts = [
    `## ${OUTCOME_SYMBOLS[report.outcome]} ${outcomeWords(report)}`,
    [`${code(report.repository)} · run ${code(report.run)} · ${formatSeconds(report.seconds)}`, counts(report)]
      .filter((line) => line !== '')
      .join('  \n'),
    landed === null ? '' : `Commit ${code(landed.commit)} ${landed.text} ${code(landed.ref)}.`,
    report.error === null ? '' : `**Error:** ${code(report.error, 4096)}`,
    inputs(report),
    list(
      'Not updated',
      report.unfetched.map((input) => `${code(input.name)}: ${code(input.reason)}`),
    ),
    targets(report),
    ...brokenSections(report),
    approval === null ? '' : `### Approval\n\n${code(approval)}`,
    list(
      'Notifications that failed',
      report.notifications
        .filter((result) => !result.ok)
        .map((result) => `${result.notifier} (${code(result.event)}): ${code(result.error ?? '')}`),
    ),
    list(
      'Left out',
      report.leftOut.map((text) => code(text)),
    ),
    list(
      'Settings of the flake that were ignored (`nixConfig`)',
      report.ignoredNixConfig.map((text) => code(text)),
    ),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function counts(report: Report): string {
  const built = report.targets.filter((target) => target.verdict === 'built').length;
  const parts = [
    report.inputs.length > 0 ? `${plural(report.inputs.length, 'input')} moved` : '',
    report.targets.length > 0 ? `${built} of ${plural(report.targets.length, 'host')} built` : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}

const list = (title: string, items: readonly string[]): string =>
  items.length === 0 ? '' : `### ${title}\n\n${items.map((item) => `- ${item}`).join('\n')}`;

function inputs(report: Report): string {
  if (report.inputs.length === 0) return '';
  const rows = report.inputs.map((input) => [
    `${code(input.name)}${input.nested.length === 0 ? '' : ` and ${code(input.nested.join(', '), 300)}`}`,
    code(movementWords(input)),
    dateWords(input),
    input.compareUrl === null ? '' : link('compare', input.compareUrl),
  ]);
  return `### Inputs\n\n${table(['input', 'revision', 'date', ''], rows)}`;
}

function targets(report: Report): string {
  if (report.targets.length === 0) return '';
  const rows = report.targets.map((target) => [
    VERDICTS[target.verdict].symbol,
    code(target.name),
    code(target.system ?? ''),
    `${VERDICTS[target.verdict].words}${isBroken(target) && !target.required ? ' (not required)' : ''}`,
    closureWords(target),
    formatSeconds(target.seconds),
  ]);
  return `### Hosts\n\n${table(['', 'host', 'system', 'verdict', 'closure', 'time'], rows)}`;
}

/** One folded section for each broken target; logs are shown while there is room for them. */
function brokenSections(report: Report): string[] {
  let room = LOGS_BYTES;
  return brokenTargets(report).map((target) => {
    const log = shownLog(target.logTail ?? '');
    room -= utf8Length(log);
    return brokenSection(report, target, room < 0 ? '' : log);
  });
}

function brokenSection(report: Report, target: ReportedTarget, log: string): string {
  const facts = [
    target.error === null ? '' : `- error: ${code(target.error)}`,
    target.failedDrv === null ? '' : `- derivation: ${code(target.failedDrv)}`,
    target.logPath === null
      ? ''
      : `- whole log: ${code(target.logPath)}, or ${code(`${logsCommand(report.run)} ${shellQuote(target.name)}`)}`,
  ].filter((fact) => fact !== '');
  return [
    `<details>\n<summary>✘ <code>${html(target.name)}</code> ${VERDICTS[target.verdict].words}</summary>`,
    ...(facts.length === 0 ? [] : [facts.join('\n')]),
    ...(log.trim() === '' ? [] : [codeBlock(log)]),
    '</details>',
  ].join('\n\n');
}

const shownLog = (text: string): string => tail(stripControl(text), { lines: SHOWN_LOG_LINES, bytes: SHOWN_LOG_BYTES });
