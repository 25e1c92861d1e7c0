import { listedVulnerabilities, vulnerabilityWords } from '../advisories/words.js';
import { cacheRows, OUTCOME_WORDS } from '../caches/words.js';
import { channelWords, lostWords, type ChannelMove } from '../channels/move.js';
import type { TargetChange } from '../closure/closure.js';
import { oneLine, oneName } from '../text/one-line.js';
import { gatesOf, hostsOf, type Report, type ReportedFix, type ReportedInput, type ReportedTarget } from './data.js';
import { capitalized, formatSeconds, stripControl, tail } from '../text/text.js';
import { adviceWords } from './advice-words.js';
import { planWords } from '../nix/plan-words.js';
import {
  changeGroups,
  packageRows,
  summaryWords,
  switchingWords,
  vulnerabilitiesOf,
  type ChangeGroup,
} from './changes.js';
import { painter, type Paint } from './paint.js';
import { HELD_BACK_LOG_LINES, heldBackLogsCommand, heldBackWords, letGoWords, stayWords } from './held-back-words.js';
import {
  approvalWords,
  attemptWords,
  brokenTargets,
  builtNoun,
  countsWords,
  failuresWords,
  fixWords,
  logsCommand,
  mitigation,
  nameList,
  newSourcesWords,
  OUTCOME_SYMBOLS,
  outcomeWords,
  plural,
  SHOWN_LOG_BYTES,
  SHOWN_LOG_LINES,
  verdictWords,
  VERDICTS,
  closureWords,
} from './words.js';
import { insteadOfWords, landedWords, oldBranchesWords, requestWords } from './landed-words.js';
import {
  commitCountWords,
  commitsOf,
  dateWords,
  isNestedOnly,
  movementWords,
  nestedOf,
  repointedCount,
  waitingWords,
} from './input-words.js';
import { partRows } from './part-words.js';

/**
 * The report for a terminal: plain lines, or coloured ones. Ends with a line feed.
 * @param packages most that are shown of each change; `Infinity`: also all of the inputs
 */
export function renderText(report: Report, color: boolean, packages = PACKAGES_SHOWN): string {
  const paint = painter(color);
  const sections = [
    headline(report, paint),
    section('Requests', partLines(report, paint), paint),
    section('Inputs', inputLines(report, packages === Infinity, paint), paint),
    section(
      'Not updated',
      rows(report.unfetched.map((input) => [oneName(input.name), oneLine(input.reason, 1000)])),
      paint,
    ),
    section('Waiting', rows(report.waiting.map((input) => [oneName(input.name), waitingWords(input)])), paint),
    section(
      'What the agent was asked to fix',
      report.fixes.flatMap((fix) => fixLines(fix, paint)),
      paint,
    ),
    section('Held back', heldBackLines(report, paint), paint),
    section('No longer held back', rows(report.letGo.map((input) => [oneName(input.input), letGoWords(input)])), paint),
    section(`${capitalized(builtNoun(report))}s`, hostLines(report, paint), paint),
    section('Binary caches', cacheLines(report, paint), paint),
    section('Gates', gateLines(report, paint), paint),
    section('Channels', channelLines(report.channels, paint), paint),
    ...changeGroups(report).map((group) => changeSection(group, packages, paint)),
    ...brokenTargets(report).map((target) => brokenSection(report, target, paint)),
    section(
      'Holding inputs back did not help',
      rows(report.notHeldBack.map(({ target, reason }) => [oneName(target), oneLine(reason, 1000)])),
      paint,
    ),
    section('Approval', textLines([approvalWords(report)]), paint),
    section(
      'Notifications that failed',
      report.notifications
        .filter((result) => !result.ok)
        .map((result) => `  ${result.notifier} (${oneLine(result.event)}): ${oneLine(result.error ?? '', 1000)}`),
      paint,
    ),
    section('Advice', textLines(adviceWords(report.advice, report.startedAt)), paint),
    section('Left out', textLines(report.leftOut), paint),
    section('Settings of the flake that were ignored (nixConfig)', textLines(report.ignoredNixConfig), paint),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]))
    .join('\n')}\n`;
}

const textLines = (texts: readonly (string | null)[]): string[] =>
  texts.filter((text) => text !== null).map((text) => `  ${oneLine(text, 1000)}`);

function section(title: string, lines: readonly string[], paint: Paint): string[] {
  return lines.length === 0 ? [] : [paint.bold(title), ...lines];
}

function headline(report: Report, paint: Paint): string[] {
  const tone = toneOf(report, paint);
  const landed = landedWords(report);
  const insteadOf = insteadOfWords(report);
  const failures = failuresWords(report);
  const lost = lostWords(report.channels);
  const lines = [
    `${tone(`${OUTCOME_SYMBOLS[report.outcome]} ${outcomeWords(report)}`)}  ${oneLine(report.repository)}`,
    ...newSourcesWords(report).map(paint.yellow),
    lost === null ? '' : paint.red(lost),
    countsWords(report),
    landed === null
      ? ''
      : `${report.verifiedBranch === undefined ? '' : 'commit '}${landed.text} ${paint.cyan(landed.ref)} (${landed.commit.slice(0, 12)})`,
    insteadOf === null ? '' : paint.yellow(insteadOf),
    ...requestWords(report).map(({ text, url }) =>
      url === null ? paint.yellow(text) : `${text}: ${paint.cyan(oneLine(url, 500))}`,
    ),
    ...oldBranchesWords(report),
    report.error === null ? '' : paint.red(oneLine(report.error, 4096)),
    report.nothingVerified === undefined ? '' : paint.red(oneLine(report.nothingVerified, 4096)),
    failures === null ? '' : paint.red(failures),
    paint.dim(`${oneLine(report.run)} · ${formatSeconds(report.seconds)}`),
  ].filter((line) => line !== '');
  return lines.map((line, index) => (index === 0 ? line : `  ${line}`));
}

function toneOf(report: Report, paint: Paint): (text: string) => string {
  switch (report.outcome) {
    case 'landed':
    case 'verified':
      return brokenTargets(report).length > 0 ? paint.yellow : paint.green;
    case 'unchanged':
      return paint.cyan;
    case 'cancelled':
    case 'superseded':
      return paint.yellow;
    case 'broken':
    case 'rejected':
    case 'expired':
    case 'failed':
      return paint.red;
  }
}

function partLines(report: Report, paint: Paint): string[] {
  const found = partRows(report);
  const lines = columns(found.map(({ inputs, headline, details: [first = ''] }) => [inputs, headline, first]));
  return found.flatMap(({ outcome, request, details }, index) => [
    `  ${OUTCOME_SYMBOLS[outcome]} ${lines[index] ?? ''}`,
    ...(request === null
      ? []
      : [`      ${request.text}${request.url === null ? '' : `: ${paint.cyan(oneLine(request.url, 500))}`}`]),
    ...details.slice(1).map((each) => paint.dim(`      ${each}`)),
  ]);
}

/** Inputs of which more than a line is shown, if there are no more, and inputs that are shown at all. */
const INPUTS_IN_DETAIL = 12;
const INPUTS_SHOWN = 40;

function inputLines({ inputs, run }: Report, full: boolean, paint: Paint): string[] {
  const shown = full ? inputs : shownInputs(inputs);
  const isLong = !full && inputs.length > INPUTS_IN_DETAIL;
  const rows = shown.map((input) => [
    ...[oneName(input.name), movementWords(input), dateWords(input), commitCountWords(input)],
    isLong && input.nested.length > 0 && !isNestedOnly(input) ? plural(input.nested.length, 'nested input') : '',
  ]);
  const lines = columns(rows);
  const rest = inputs.length - shown.length;
  if (isLong)
    return [
      ...shown.flatMap((input, index) => [`  ${(lines[index] ?? '').trimEnd()}`, ...repointedLines(input, paint)]),
      ...(rest > 0 ? [paint.dim(`  and ${rest} more inputs`)] : []),
      paint.dim(`  Commits and pages to compare: lockkeeper report ${oneLine(run)} --full, or --format html`),
    ];
  return shown.flatMap((input, index) => [
    `  ${(lines[index] ?? '').trimEnd()}`,
    ...(input.compareUrl === null ? [] : [`    ${paint.cyan(oneLine(input.compareUrl, 500))}`]),
    ...commitLines(input, paint),
    ...nestedLines(input, paint),
  ]);
}

/** In their order; those below which something comes from elsewhere are not left out before others. */
function shownInputs(inputs: Report['inputs']): Report['inputs'] {
  const first = inputs.toSorted((one, other) => Number(repointedCount(other) > 0) - Number(repointedCount(one) > 0));
  const shown = new Set(first.slice(0, INPUTS_SHOWN));
  return inputs.filter((input) => shown.has(input));
}

/** Commits that are shown of each input; the JSON report has more. */
const COMMITS_SHOWN = 3;

function commitLines(input: ReportedInput, paint: Paint): string[] {
  const { shown, more } = commitsOf(input, COMMITS_SHOWN);
  return [
    ...shown.map(({ revision, subject }) => paint.dim(`    ${revision} ${subject}`)),
    ...(more > 0 ? [paint.dim(`    and ${plural(more, 'more commit')}`)] : []),
  ];
}

/** Nested inputs that come from somewhere else now: those are told even where all else of nested inputs is left out. */
function repointedLines(input: ReportedInput, paint: Paint): string[] {
  const count = repointedCount(input);
  const { shown } = nestedOf(input, Math.min(count, NESTED_SHOWN));
  return [
    ...shown.map(({ path, movement }) => paint.dim(`    ${path}  ${movement}`)),
    ...(count > shown.length ? [paint.dim(`    and ${count - shown.length} more from elsewhere`)] : []),
  ];
}

/** Nested inputs that moved, with pages to compare where nothing else moved. */
function nestedLines(input: ReportedInput, paint: Paint): string[] {
  const { shown, more } = nestedOf(input, NESTED_SHOWN);
  const lines = columns(shown.map(({ path, movement, dates }) => [path, movement, dates]));
  return [
    ...shown.flatMap(({ compareUrl }, index) => [
      paint.dim(`    ${lines[index] ?? ''}`),
      ...(compareUrl === null || !isNestedOnly(input) ? [] : [`      ${paint.cyan(oneLine(compareUrl, 500))}`]),
    ]),
    ...(more > 0 ? [paint.dim(`    and ${more} more nested inputs`)] : []),
  ];
}

/** Nested inputs that are shown for each input; the JSON report has all. */
const NESTED_SHOWN = 5;

const fixLines = (fix: ReportedFix, paint: Paint): string[] => [
  `  ${oneName(fix.target)}: ${fixWords(fix)}`,
  ...fix.attempts.flatMap((attempt) => [
    `    ${attemptWords(attempt)}`,
    ...(attempt.logPath === '' ? [] : [paint.dim(`      log  ${oneLine(attempt.logPath, 1000)}`)]),
  ]),
];

const rows = (cells: readonly (readonly string[])[]): string[] => columns(cells).map((line) => `  ${line}`);

function hostLines(report: Report, paint: Paint): string[] {
  const hosts = hostsOf(report);
  const rows = hosts.map((target) => [
    oneName(target.name),
    oneLine(target.system ?? '', 40),
    `${verdictWords(target)}${mitigation(report, target)}`,
    ...(report.verifiedBranch === undefined ? [closureWords(target)] : []),
    formatSeconds(target.seconds),
    planWords(target.plan),
    target.verdict === 'skipped' ? oneLine(target.error ?? '', 500) : '',
  ]);
  const { notAsked } = report;
  const others = notAsked.length === 0 ? [] : [paint.dim(`  not asked for: ${nameList(notAsked, 20)}`)];
  return [...marked(hosts, columns(rows), paint), ...others];
}

/** Packages that are shown of each change; the JSON report has more. */
const PACKAGES_SHOWN = 10;

function changeSection(group: ChangeGroup, most: number, paint: Paint): string[] {
  const { rows: packages, more } = packageRows(group, most);
  const lines = [
    `  ${summaryWords(group)}`,
    ...switchingWords(group).map((words) => paint.yellow(`  ${words}`)),
    ...vulnerabilityLines(group.changes[0], paint),
    ...columns(packages).map((line) => `    ${line}`.trimEnd()),
    ...(more === null ? [] : [paint.dim(`    ${more}`)]),
  ];
  return section(`What changes on ${nameList(group.hosts, 10)}`, lines, paint);
}

const VULNERABILITIES_SHOWN = 10;

function vulnerabilityLines(change: TargetChange, paint: Paint): string[] {
  const found = vulnerabilitiesOf(change);
  if (found === null) return [];
  const [summary, ...more] = vulnerabilityWords(found);
  const listed = listedVulnerabilities(found).filter(({ sure }) => sure);
  const lines = columns(listed.slice(0, VULNERABILITIES_SHOWN).map(({ cells }) => cells));
  return [
    `  ${summary}`,
    ...more.map((words) => paint.yellow(`  ${words}`)),
    ...lines.map((line, index) => `    ${listed[index]?.isNew === true ? paint.red(line) : line}`),
  ];
}

function gateLines(report: Report, paint: Paint): string[] {
  const gates = gatesOf(report);
  const rows = gates.map((gate) => [
    oneName(gate.name),
    `${verdictWords(gate)}${mitigation(report, gate)}`,
    formatSeconds(gate.seconds),
    gate.verdict === 'skipped' ? oneLine(gate.error ?? '', 500) : '',
  ]);
  return marked(gates, columns(rows), paint);
}

function channelLines(channels: readonly ChannelMove[], paint: Paint): string[] {
  const lines = columns(channels.map((each) => [oneName(each.branch), channelWords(each)]));
  return lines.map((line, index) => `  ${channels[index]?.outcome === 'not-moved' ? paint.yellow(line) : line}`);
}

/** What became of uploads: targets of which the same became are one line. */
const cacheLines = (report: Report, paint: Paint): string[] => {
  const found = cacheRows(report.targets);
  const lines = rows(
    found.map(({ cache, outcome, targets, detail }) => [cache, OUTCOME_WORDS[outcome], nameList(targets, 10), detail]),
  );
  return lines.map((line, index) => (found[index]?.outcome === 'failed' ? paint.red(line) : line));
};

/** Lines of targets with the symbol of their verdict in front. */
function marked(targets: readonly ReportedTarget[], lines: readonly string[], paint: Paint): string[] {
  return targets.map((target, index) => {
    const { symbol, tone } = VERDICTS[target.verdict];
    return `  ${paint[tone](symbol)} ${lines[index] ?? ''}`;
  });
}

function brokenSection(report: Report, target: ReportedTarget, paint: Paint): string[] {
  const log = shownLog(target.logTail, SHOWN_LOG_LINES);
  return [
    `${paint.red('✘')} ${paint.bold(oneName(target.name))}: ${oneLine(target.error ?? verdictWords(target), 1000)}`,
    ...(target.failedDrv === null ? [] : [`  derivation  ${oneLine(target.failedDrv, 500)}`]),
    ...(target.logPath === null ? [] : [`  whole log   ${oneLine(target.logPath, 1000)}`]),
    ...(target.logPath === null ? [] : [paint.dim(`              ${logsCommand(report.run, target.name)}`)]),
    ...log.map((line) => `  ${paint.dim('│')} ${line}`),
  ];
}

function shownLog(logTail: string | null, lines: number): string[] {
  if (logTail === null || logTail.trim() === '') return [];
  return tail(stripControl(logTail), { lines, bytes: SHOWN_LOG_BYTES }).split('\n');
}

/** Each input that stays, and what there is to be read about why. */
function heldBackLines(report: Report, paint: Paint): string[] {
  const { heldBack, run } = report;
  const lines = rows(heldBack.map((held) => [oneName(held.input), heldBackWords(held, report)]));
  return heldBack.flatMap((held, index) => {
    const [failure] = held.failures ?? [];
    const logPath = failure === undefined ? held.logPath : failure.logPath;
    const facts = [
      stayWords(held),
      held.compareUrl == null ? null : oneLine(held.compareUrl, 500),
      failure?.failedDrv == null ? null : `derivation: ${oneLine(failure.failedDrv, 500)}`,
      logPath == null ? null : `log: ${oneLine(logPath, 500)}`,
      failure?.logPath == null ? null : `     ${heldBackLogsCommand(run, failure, held.input)}`,
    ];
    const log = shownLog(failure?.logTail ?? null, HELD_BACK_LOG_LINES);
    return [
      lines[index] ?? '',
      ...facts.filter((fact) => fact !== null).map((fact) => paint.dim(`      ${fact}`)),
      ...log.map((line) => `      ${paint.dim('│')} ${line}`),
    ];
  });
}

/** Rows as lines whose columns begin below each other; nothing is put behind the last one. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, width(cell));
  }
  return rows.map((row) =>
    row
      .map((cell, index) => cell + ' '.repeat((widths[index] ?? 0) - width(cell)))
      .join('  ')
      .trimEnd(),
  );
}

/** Columns that a text takes, counting each code point as one: names and revisions are ASCII. */
const width = (text: string): number => Array.from(text).length;
