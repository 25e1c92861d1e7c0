import { listedVulnerabilities, vulnerabilityWords } from '../advisories/words.js';
import type { TargetChange } from '../closure/closure.js';
import { gatesOf, hostsOf } from './data.js';
import type { HeldBackInput, Report, ReportedFix, ReportedInput, ReportedTarget } from './data.js';
import { capitalized, formatSeconds, utf8Length } from '../text/text.js';
import { adviceWords } from './advice-words.js';
import { planWords } from '../nix/plan-words.js';
import { brokenSections, heldBackSections } from './markdown-logs.js';
import {
  changeGroups,
  packageRows,
  summaryWords,
  switchingWords,
  vulnerabilitiesOf,
  type ChangeGroup,
} from './changes.js';
import { code, html, link, row, table } from './markdown-parts.js';
import { heldBackWords, letGoWords, stayWords } from './held-back-words.js';
import {
  approvalWords,
  attemptWords,
  builtNoun,
  closureWords,
  dateWords,
  failuresWords,
  fixWords,
  insteadOfWords,
  hitWords,
  isBroken,
  landedWords,
  mitigation,
  movedWords,
  movementWords,
  nameList,
  newSourcesWords,
  nestedOf,
  notAskedWords,
  oldBranchesWords,
  requestWords,
  OUTCOME_SYMBOLS,
  outcomeWords,
  plannedWords,
  stoppingTargets,
  verdictWords,
  VERDICTS,
} from './words.js';

/**
 * Room for the parts that grow with the fleet, in bytes: forges refuse texts past 64 KiB. What doesn't fit is counted; the
 * other forms of the report have all of it.
 */
const INPUTS_BYTES = 12 * 1024;
const TARGETS_BYTES = 16 * 1024;
const GATES_BYTES = 4 * 1024;
const CHANGES_BYTES = 12 * 1024;
/** Packages of each change. */
const PACKAGES_SHOWN = 50;
const LIST_ITEMS = 10;
const ITEM_BYTES = 300;

/** The report for a pull request and for the Temporal UI. Ends with a line feed. */
export function renderMarkdown(report: Report): string {
  const landed = landedWords(report);
  const insteadOf = insteadOfWords(report);
  const approval = approvalWords(report);
  const failures = failuresWords(report);
  const parts = [
    `## ${OUTCOME_SYMBOLS[report.outcome]} ${outcomeWords(report)}`,
    [`${code(report.repository)} · run ${code(report.run)} · ${formatSeconds(report.seconds)}`, counts(report)]
      .filter((line) => line !== '')
      .join('  \n'),
    ...newSourcesWords(report).map((words) => `**${html(words, 1500)}**`),
    landed === null ? '' : `Commit ${code(landed.commit)} ${landed.text} ${code(landed.ref)}.`,
    insteadOf === null ? '' : `${html(insteadOf)}.`,
    ...requestWords(report).map(({ text, url }) => (url === null ? `**${html(text, 600)}**` : link(text, url))),
    ...oldBranchesWords(report).map((words) => `${html(words)}.`),
    report.error === null ? '' : `**Error:** ${code(report.error, 4096)}`,
    report.nothingVerified === undefined ? '' : `**${html(report.nothingVerified, 4096)}**`,
    stoppedBy(report),
    failures === null ? '' : `**${html(failures)}**`,
    inputs(report),
    list(
      'Not updated',
      report.unfetched.map((input) => `${code(input.name)}: ${code(input.reason, ITEM_BYTES)}`),
    ),
    list('What an agent was asked to mend', (report.fixes ?? []).flatMap(fixItems)),
    list(
      'Held back',
      (report.heldBack ?? []).map((held) => heldBackItem(held, report)),
    ),
    ...heldBackSections(report),
    list(
      'No longer held back',
      (report.letGo ?? []).map((input) => `${code(input.input)}: ${code(letGoWords(input), ITEM_BYTES)}`),
    ),
    hosts(report),
    gates(report),
    ...changes(report),
    ...brokenSections(report),
    list(
      'Holding inputs back did not help',
      (report.notHeldBack ?? []).map(({ target, reason }) => `${code(target)}: ${code(reason, ITEM_BYTES)}`),
    ),
    approval === null ? '' : `### Approval\n\n${code(approval)}`,
    list(
      'Notifications that failed',
      report.notifications
        .filter((result) => !result.ok)
        .map((result) => `${result.notifier} (${code(result.event)}): ${code(result.error ?? '', ITEM_BYTES)}`),
    ),
    list(
      'Advice',
      adviceWords(report.advice ?? [], report.startedAt).map((words) => html(words, 1000)),
    ),
    list(
      'Left out',
      report.leftOut.map((text) => code(text, ITEM_BYTES)),
    ),
    list(
      'Settings of the flake that were ignored (`nixConfig`)',
      report.ignoredNixConfig.map((text) => code(text, ITEM_BYTES)),
    ),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function stoppedBy(report: Report): string {
  const stopping = stoppingTargets(report);
  const named = stopping.slice(0, LIST_ITEMS).map(({ name }) => code(name, 120));
  const more = stopping.length - named.length;
  return stopping.length === 0 ? '' : `**Stopped by** ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function counts(report: Report): string {
  const { heldBack = [] } = report;
  const parts = [
    movedWords(report),
    heldBack.length > 0 ? `${heldBack.length} held back` : '',
    ...hitWords(report),
    notAskedWords(report),
    plannedWords(report),
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function heldBackItem(held: HeldBackInput, report: Report): string {
  const stays = stayWords(held);
  const more = [
    stays === null ? '' : code(stays),
    held.compareUrl == null ? '' : link('compare', held.compareUrl),
  ].filter((part) => part !== '');
  return `${code(held.input)}: ${code(heldBackWords(held, report), 2 * ITEM_BYTES)}${more.length === 0 ? '' : ` (${more.join(', ')})`}`;
}

const fixItems = (fix: ReportedFix): string[] => [
  `${code(fix.target)}: ${code(fixWords(fix))}`,
  ...fix.attempts.map((attempt) => `${code(fix.target)}: ${code(attemptWords(attempt), ITEM_BYTES)}`),
];

function list(title: string, items: readonly string[]): string {
  if (items.length === 0) return '';
  const listed = items.slice(0, LIST_ITEMS).map((item) => `- ${item}`);
  return [`### ${title}\n`, ...listed, ...rest(items.length - listed.length, 'more')].join('\n');
}

const rest = (count: number, what: string): string[] => (count > 0 ? [`\nand ${count} ${what}`] : []);

/** The first items that take no more than `bytes` together, each with a line feed. */
function within(bytes: number, items: readonly string[]): string[] {
  const shown: string[] = [];
  let room = bytes;
  for (const item of items) {
    room -= utf8Length(item) + 1;
    if (room < 0) break;
    shown.push(item);
  }
  return shown;
}

function inputs(report: Report): string {
  if (report.inputs.length === 0) return '';
  const rows = report.inputs.map((input) => [inputRow(input), ...nestedRows(input)].join('\n'));
  const head = table(['input', 'revision', 'date', ''], []);
  const shown = within(INPUTS_BYTES, rows);
  return ['### Inputs\n', head, ...shown, ...rest(rows.length - shown.length, 'more inputs')].join('\n');
}

const inputRow = (input: ReportedInput): string =>
  row([code(input.name), code(movementWords(input)), dateWords(input), compareLink(input.compareUrl)]);

function nestedRows(input: ReportedInput): string[] {
  const { shown, more } = nestedOf(input, LIST_ITEMS);
  return [
    ...shown.map(({ path, movement, dates, compareUrl }) =>
      row([`↳ ${code(path)}`, code(movement), dates, compareLink(compareUrl)]),
    ),
    ...(more > 0 ? [row([`↳ and ${more} more nested inputs`, '', '', ''])] : []),
  ];
}

const compareLink = (url: string | null): string => (url === null ? '' : link('compare', url));

const brokenFirst = (targets: readonly ReportedTarget[]): ReportedTarget[] =>
  [...targets].sort((one, other) => Number(isBroken(other)) - Number(isBroken(one)));

function gates(report: Report): string {
  const rows = brokenFirst(gatesOf(report)).map((gate) => [
    VERDICTS[gate.verdict].symbol,
    code(gate.name),
    `${verdictWords(gate)}${mitigation(report, gate)}`,
    gate.verdict === 'skipped' ? code(gate.error ?? '', ITEM_BYTES) : '',
    formatSeconds(gate.seconds),
  ]);
  if (rows.length === 0) return '';
  const shown = within(GATES_BYTES, rows.map(row));
  const head = table(['', 'gate', 'verdict', '', 'time'], []);
  return ['### Gates\n', head, ...shown, ...rest(rows.length - shown.length, 'more gates')].join('\n');
}

/** One folded section for each way in which closures change, as many as there is room for. */
function changes(report: Report): string[] {
  const groups = changeGroups(report);
  const sections = within(CHANGES_BYTES, groups.map(changeSection));
  const more = groups.slice(sections.length).reduce((sum, { hosts: others }) => sum + others.length, 0);
  return more === 0 ? sections : [...sections, `and what changes on ${more} more ${builtNoun(report)}s`];
}

function changeSection(group: ChangeGroup): string {
  const { rows, more } = packageRows(group, PACKAGES_SHOWN);
  const packages = rows.map(([name, versions, size]) => [code(name), code(versions), size]);
  return [
    `<details>\n<summary>What changes on <code>${html(nameList(group.hosts, 10))}</code>: ${html(summaryWords(group))}</summary>`,
    ...switchingWords(group).map((words) => `**${html(words)}**`),
    ...vulnerabilities(group.changes[0]),
    ...(rows.length === 0 ? [] : [table(['package', 'versions', 'size'], packages)]),
    ...(more === null ? [] : [more]),
    '</details>',
  ].join('\n\n');
}

/** Vulnerabilities of each change. */
const VULNERABILITIES_SHOWN = 30;

/** A table of what is sure, and a folded one of what is not. */
function vulnerabilities(change: TargetChange): string[] {
  const found = vulnerabilitiesOf(change);
  if (found === null) return [];
  const listed = listedVulnerabilities(found);
  const tableOf = (sure: boolean): string | null => {
    const rows = listed.filter((each) => each.sure === sure).slice(0, VULNERABILITIES_SHOWN);
    const cells = rows.map(({ cells: [what, id, severity, name, versions] }) => [
      ...[what, code(id), severity, code(name), code(versions)],
    ]);
    return rows.length === 0 ? null : table(['', 'vulnerability', 'severity', 'package', 'versions'], cells);
  };
  const [sure, unsure] = [tableOf(true), tableOf(false)];
  return [
    vulnerabilityWords(found)
      .map((words) => html(words, ITEM_BYTES))
      .join('  \n'),
    ...(sure === null ? [] : [sure]),
    ...(unsure === null ? [] : ['<details>\n<summary>Perhaps: matched by name only</summary>', unsure, '</details>']),
  ];
}

function hosts(report: Report): string {
  const all = hostsOf(report);
  if (all.length === 0) return '';
  const isPlanned = all.some(({ plan }) => planWords(plan) !== '');
  const rows = brokenFirst(all).map((target) => [
    VERDICTS[target.verdict].symbol,
    code(target.name),
    code(target.system ?? ''),
    `${verdictWords(target)}${mitigation(report, target)}${skippedWhy(target)}`,
    closureWords(target),
    formatSeconds(target.seconds),
    ...(isPlanned ? [planWords(target.plan)] : []),
  ]);
  const noun = builtNoun(report);
  const head = table(['', noun, 'system', 'verdict', 'closure', 'time', ...(isPlanned ? ['planned'] : [])], []);
  const shown = within(TARGETS_BYTES, rows.map(row));
  const { notAsked = [] } = report;
  const others = notAsked.length === 0 ? [] : [`\nNot asked for: ${code(nameList(notAsked, 20), ITEM_BYTES)}`];
  const title = `### ${capitalized(noun)}s\n`;
  return [title, head, ...shown, ...rest(rows.length - shown.length, `more ${noun}s`), ...others].join('\n');
}

const skippedWhy = ({ verdict, error }: ReportedTarget): string =>
  verdict === 'skipped' && error !== null ? `: ${code(error, ITEM_BYTES)}` : '';
