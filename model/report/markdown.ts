import { listedVulnerabilities, newVulnerabilityWords, vulnerabilityWords } from '../advisories/words.js';
import { cacheRows, OUTCOME_WORDS } from '../caches/words.js';
import { channelWords, lostWords, type ChannelMove } from '../channels/move.js';
import type { TargetChange } from '../closure/closure.js';
import { listEach } from '../closure/share.js';
import { gatesOf, hostsOf } from './data.js';
import type { HeldBackInput, Report, ReportedFix, ReportedInput, ReportedTarget } from './data.js';
import { oneLine } from '../text/one-line.js';
import { capitalized, formatSeconds } from '../text/text.js';
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
import { fitted, MARKDOWN_BYTES, type Part } from './markdown-fit.js';
import { code, html, link, row, table, words } from './markdown-parts.js';
import { heldBackWords, letGoWords, stayWords } from './held-back-words.js';
import {
  approvalWords,
  attemptWords,
  builtNoun,
  failuresWords,
  fixWords,
  hitWords,
  isBroken,
  mitigation,
  movedWords,
  nameList,
  newSourcesWords,
  notAskedWords,
  OUTCOME_SYMBOLS,
  outcomeWords,
  plannedWords,
  stoppingTargets,
  verdictWords,
  VERDICTS,
  closureWords,
} from './words.js';
import { insteadOfWords, landedWords, oldBranchesWords, requestWords } from './landed-words.js';
import { commitCountWords, commitsOf, dateWords, movementWords, nestedOf, waitingWords } from './input-words.js';
import { partRows } from './part-words.js';

/** Packages of each change: as many as there is room for, or fewer, or none. */
const PACKAGES_SHOWN = [50, 10, 0] as const;
const LIST_ITEMS = 10;
const ITEM_BYTES = 300;

/**
 * The report for a pull request and for the Temporal UI: what became of it first, then each target, then the details, folded. Ends with a
 * line feed.
 * @param limit most bytes of UTF-8, `LEAST_MARKDOWN_BYTES` or more
 */
export function renderMarkdown(report: Report, limit = MARKDOWN_BYTES): string {
  const landed = landedWords(report);
  const insteadOf = insteadOfWords(report);
  const approval = approvalWords(report);
  const failures = failuresWords(report);
  const lost = lostWords(report.channels);
  const parts = [
    fixed(`## ${OUTCOME_SYMBOLS[report.outcome]} ${words(outcomeWords(report))}`),
    fixed(
      [
        `${code(report.repository, 300)} · run ${code(report.run, 200)} · ${formatSeconds(report.seconds)}`,
        counts(report),
      ]
        .filter((line) => line !== '')
        .join('  \n'),
    ),
    paragraphs(
      'new sources',
      newSourcesWords(report).map((each) => `**${words(each, 1500)}**`),
    ),
    lost === null ? null : fixed(`**${words(lost, 1000)}**`),
    landed === null ? null : fixed(`Commit ${code(landed.commit)} ${landed.text} ${code(landed.ref)}.`),
    insteadOf === null ? null : paragraphs('note on the branch', [`${words(insteadOf, 1000)}.`]),
    paragraphs(
      'notes on pull requests',
      requestWords(report).map(({ text, url }) => (url === null ? `**${words(text, 600)}**` : link(text, url))),
    ),
    paragraphs(
      'notes on old branches',
      oldBranchesWords(report).map((each) => `${words(each, 1000)}.`),
    ),
    report.error === null ? null : said([4096, 500, 200], (bytes) => `**Error:** ${code(report.error ?? '', bytes)}`),
    report.nothingVerified === undefined
      ? null
      : said([4096, 500, 200], (bytes) => `**${words(report.nothingVerified ?? '', bytes)}**`),
    paragraphs('note on what stopped it', [stoppedBy(report)]),
    failures === null ? null : fixed(`**${words(failures)}**`),
    requests(report),
    hosts(report),
    caches(report),
    gates(report),
    list('Channels', 'channels', channelItems(report.channels)),
    inputs(report),
    commits(report),
    list(
      'Not updated',
      'inputs that were not updated',
      report.unfetched.map((input) => `${code(input.name)}: ${code(input.reason, ITEM_BYTES)}`),
    ),
    list(
      'Waiting',
      'inputs that wait',
      report.waiting.map((input) => `${code(input.name)}: ${words(waitingWords(input))}`),
    ),
    list('What the agent was asked to fix', 'attempts of agents', report.fixes.flatMap(fixItems)),
    list(
      'Held back',
      'inputs that are held back',
      report.heldBack.map((held) => heldBackItem(held, report)),
      3,
    ),
    heldBackSections(report),
    list(
      'No longer held back',
      'inputs that are no longer held back',
      report.letGo.map((input) => `${code(input.input)}: ${words(letGoWords(input))}`),
    ),
    changes(report),
    brokenSections(report),
    list(
      'Holding inputs back did not help',
      'targets that holding inputs back did not help',
      report.notHeldBack.map(({ target, reason }) => `${code(target)}: ${code(reason, ITEM_BYTES)}`),
    ),
    approval === null ? null : list('Approval', 'approval', [code(approval)], 3),
    list(
      'Notifications that failed',
      'notifications that failed',
      report.notifications
        .filter((result) => !result.ok)
        .map((result) => `${result.notifier} (${code(result.event)}): ${code(result.error ?? '', ITEM_BYTES)}`),
    ),
    list(
      'Advice',
      'lines of advice',
      adviceWords(report.advice, report.startedAt).map((each) => words(each, 1000)),
    ),
    list(
      'Left out',
      'changes that were left out',
      report.leftOut.map((text) => code(text, ITEM_BYTES)),
    ),
    list(
      'Settings of the flake that were ignored (`nixConfig`)',
      'settings that were ignored',
      report.ignoredNixConfig.map((text) => code(text, ITEM_BYTES)),
    ),
  ];
  const whole = `All of it: ${code(`lockkeeper report ${oneLine(report.run, 200)}`)}`;
  return fitted(
    parts.filter((part) => part !== null),
    limit,
    whole,
  );
}

/** What became of each update of a run that proposes each input by itself. */
function requests(report: Report): Part {
  const rows = partRows(report).map(({ outcome, inputs: names, headline, request, details }) => [
    OUTCOME_SYMBOLS[outcome],
    code(names),
    request === null ? '' : request.url === null ? words(request.text, ITEM_BYTES) : link(request.text, request.url),
    words(headline, ITEM_BYTES),
    details.map((each) => words(each, ITEM_BYTES)).join('; '),
  ]);
  return {
    head: ['### Requests\n', table(['', 'inputs', 'request', 'verdict', ''], [])].join('\n'),
    items: rows.map((cells) => [row(cells)]),
    gap: '\n',
    rank: 1,
    share: 1 / 4,
    leftOut: (shown) => [rows.length - shown, 'requests'],
  };
}

/** What every report says, in few bytes. */
const fixed = (text: string): Part => said([0], () => text);

/** One paragraph, in the first of these sizes for which there is room. */
const said = ([first, ...others]: readonly [number, ...number[]], text: (bytes: number) => string): Part => ({
  ...{ head: '', gap: '\n\n', rank: 0, share: 1 / 2 },
  items: [[text(first), ...others.map(text)]],
  leftOut: (shown) => [1 - shown, 'message'],
});

const paragraphs = (what: string, texts: readonly string[]): Part => {
  const items = texts.filter((text) => text !== '');
  return {
    ...{ head: '', gap: '\n\n', rank: 1, share: 1 / 8 },
    items: items.map((text) => [text]),
    leftOut: (shown) => [items.length - shown, what],
  };
};

function stoppedBy(report: Report): string {
  const stopping = stoppingTargets(report);
  const named = stopping.slice(0, LIST_ITEMS).map(({ name }) => code(name, 120));
  const more = stopping.length - named.length;
  return stopping.length === 0 ? '' : `**Stopped by** ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function counts(report: Report): string {
  const { heldBack } = report;
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
  const more = [stayWords(held, code) ?? '', held.compareUrl == null ? '' : link('compare', held.compareUrl)].filter(
    (part) => part !== '',
  );
  return `${code(held.input)}: ${heldBackWords(held, report, code)}${more.length === 0 ? '' : ` (${more.join(', ')})`}`;
}

const fixItems = (fix: ReportedFix): string[] => [
  `${code(fix.target)}: ${code(fixWords(fix))}`,
  ...fix.attempts.map((attempt) => `${code(fix.target)}: ${code(attemptWords(attempt), ITEM_BYTES)}`),
];

/**
 * @param what the items are called
 * @param rank by which it is cut; what most readers can do without comes last
 */
function list(title: string, what: string, items: readonly string[], rank = 6): Part {
  const listed = items.slice(0, LIST_ITEMS);
  return {
    head: `### ${title}\n`,
    items: listed.map((item) => [`- ${item}`]),
    gap: '\n',
    rank,
    share: 1 / 16,
    leftOut: (shown) => [items.length - shown, what],
  };
}

function inputs({ inputs: all }: Report): Part {
  return {
    head: ['### Inputs\n', table(['input', 'revision', 'date', ''], [])].join('\n'),
    items: all.map((input) => [
      [inputRow(input), ...nestedRows(input, LIST_ITEMS)].join('\n'),
      [inputRow(input), ...nestedRows(input, 0)].join('\n'),
    ]),
    gap: '\n',
    rank: 3,
    share: 1 / 5,
    leftOut: (shown) => [all.length - shown, 'inputs'],
  };
}

const inputRow = (input: ReportedInput): string =>
  row([code(input.name), code(movementWords(input)), dateWords(input), changesCell(input)]);

function changesCell(input: ReportedInput): string {
  const count = commitCountWords(input);
  return input.compareUrl === null || count === ''
    ? count + compareLink(input.compareUrl)
    : link(count, input.compareUrl);
}

function commits(report: Report): Part {
  const known = report.inputs.filter((input) => input.commits !== undefined);
  return {
    head: '',
    items: known.map((input) => {
      const { shown, more } = commitsOf(input, LIST_ITEMS);
      return [
        [
          `<details>\n<summary>Newest commits of <code>${html(input.name)}</code></summary>\n`,
          ...shown.map(({ revision, date, subject }) => `- ${code(`${date} ${revision} ${subject}`)}`),
          ...(more > 0 ? [`\nand ${more} more`] : []),
          '\n</details>',
        ].join('\n'),
      ];
    }),
    gap: '\n\n',
    rank: 7,
    share: 1 / 16,
    leftOut: (count) => [known.length - count, 'inputs whose commits are known'],
  };
}

function nestedRows(input: ReportedInput, limit: number): string[] {
  const { shown, more } = nestedOf(input, limit);
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

/** Those first that did not move. */
const channelItems = (channels: readonly ChannelMove[]): string[] =>
  [...channels]
    .sort((one, other) => Number(other.outcome === 'not-moved') - Number(one.outcome === 'not-moved'))
    .map((each) => `${code(each.branch)}: ${code(channelWords(each), ITEM_BYTES)}`);

/** What became of uploads: targets of which the same became are one row. */
function caches(report: Report): Part | null {
  const rows = cacheRows(report.targets).map(({ cache, outcome, targets, detail }) => [
    code(cache),
    OUTCOME_WORDS[outcome],
    code(nameList(targets, 10), ITEM_BYTES),
    detail === '' ? '' : code(detail, ITEM_BYTES),
  ]);
  if (rows.length === 0) return null;
  return {
    head: ['### Binary caches\n', table(['cache', '', `${builtNoun(report)}s`, ''], [])].join('\n'),
    items: rows.map((cells) => [row(cells)]),
    gap: '\n',
    rank: 2,
    share: 1 / 16,
    leftOut: (shown) => [rows.length - shown, 'rows of binary caches'],
  };
}

function gates(report: Report): Part {
  const rows = brokenFirst(gatesOf(report)).map((gate) => [
    VERDICTS[gate.verdict].symbol,
    code(gate.name),
    `${verdictWords(gate)}${mitigation(report, gate)}`,
    gate.verdict === 'skipped' ? code(gate.error ?? '', ITEM_BYTES) : '',
    formatSeconds(gate.seconds),
  ]);
  return {
    head: ['### Gates\n', table(['', 'gate', 'verdict', '', 'time'], [])].join('\n'),
    items: rows.map((cells) => [row(cells)]),
    gap: '\n',
    rank: 2,
    share: 1 / 16,
    leftOut: (shown) => [rows.length - shown, 'gates'],
  };
}

/** One folded section for each way in which closures change. */
function changes(report: Report): Part {
  const groups = changeGroups(report);
  return {
    head: '',
    items: groups.map((group) => {
      const [most, ...fewer] = PACKAGES_SHOWN;
      return [changeSection(group, most), ...fewer.map((count) => changeSection(group, count))];
    }),
    gap: '\n\n',
    rank: 5,
    share: 1 / 5,
    leftOut: (shown) => [
      groups.slice(shown).reduce((sum, { hosts: others }) => sum + others.length, 0),
      `${builtNoun(report)}s that change`,
    ],
  };
}

function changeSection(group: ChangeGroup, limit: number): string {
  const { rows, more } = packageRows(group, limit);
  const packages = rows.map(([name, versions, size]) => [code(name), code(versions), size]);
  return [
    `<details>\n<summary>What changes on <code>${html(nameList(group.hosts, 10))}</code>: ${html(summaryWords(group))}</summary>`,
    ...switchingWords(group).map((each) => `**${words(each, 600)}**`),
    ...vulnerabilities(group.changes[0], Math.min(limit, VULNERABILITIES_SHOWN)),
    ...(rows.length === 0 ? [] : [table(['package', 'versions', 'size'], packages)]),
    ...(more === null ? [] : [more]),
    '</details>',
  ].join('\n\n');
}

const VULNERABILITIES_SHOWN = 30;

function vulnerabilities(change: TargetChange, limit: number): string[] {
  const found = vulnerabilitiesOf(change);
  if (found === null) return [];
  const listed = listedVulnerabilities(found);
  const tableOf = (sure: boolean): string | null => {
    const rows = listed.filter((each) => each.sure === sure).slice(0, limit);
    const cells = rows.map(({ cells: [what, id, severity, name, versions, match] }) => [
      ...[what, code(id), severity, code(name), code(versions), match],
    ]);
    const rest = listed.filter((each) => each.sure === sure).length - rows.length;
    const more = rest === 0 ? '' : `and ${rest} more`;
    if (rows.length === 0) return null;
    return [table(['', 'vulnerability', 'severity', 'package', 'versions', 'match'], cells), more]
      .filter(Boolean)
      .join('\n\n');
  };
  const [sure, unsure] = [tableOf(true), tableOf(false)];
  return [
    vulnerabilityWords(found)
      .map((each) => words(each, ITEM_BYTES))
      .join('  \n'),
    ...(sure === null ? [] : [sure]),
    ...(unsure === null ? [] : ['<details>\n<summary>Perhaps: matched by name only</summary>', unsure, '</details>']),
  ];
}

function hosts(report: Report): Part {
  const all = listEach(hostsOf(report));
  const isPlanned = all.some(({ plan }) => planWords(plan) !== '');
  const rows = brokenFirst(all).map((target) => [
    VERDICTS[target.verdict].symbol,
    code(target.name),
    code(target.system ?? ''),
    `${verdictWords(target)}${mitigation(report, target)}${skippedWhy(target)}`,
    `${closureWords(target, report.verifiedBranch === undefined)}${warningWords(target)}`,
    formatSeconds(target.seconds),
    ...(isPlanned ? [planWords(target.plan)] : []),
  ]);
  const noun = builtNoun(report);
  const head = table(
    ['', noun, 'system', 'verdict', 'closure', 'time', ...(isPlanned ? ['builds and downloads'] : [])],
    [],
  );
  const { notAsked, gone } = report;
  const others = [
    ...(all.length === 0 || notAsked.length === 0
      ? []
      : [`Not asked for: ${code(nameList(notAsked, 20), ITEM_BYTES)}\n`]),
    ...(all.length === 0 || gone.length === 0 ? [] : [`**Gone:** ${code(nameList(gone, 20), ITEM_BYTES)}\n`]),
  ];
  return {
    head: [`### ${capitalized(noun)}s\n`, ...others, head].join('\n'),
    items: rows.map((cells) => [row(cells)]),
    gap: '\n',
    rank: 2,
    share: 1 / 4,
    leftOut: (shown) => [rows.length - shown, `${noun}s`],
  };
}

/** Whether the machine that switches to it has to be rebooted, and whether it gets known vulnerabilities. */
function warningWords({ closure }: ReportedTarget): string {
  if (closure === undefined) return '';
  const news = newVulnerabilityWords(vulnerabilitiesOf(closure)) === null ? '' : ', new vulnerabilities';
  if (closure.kind !== 'compared') return news;
  const { refuses, reboot } = closure.switching;
  return `${refuses.length > 0 ? ', refuses to switch' : reboot.length > 0 ? ', reboot' : ''}${news}`;
}

const skippedWhy = ({ verdict, error }: ReportedTarget): string =>
  verdict === 'skipped' && error !== null ? `: ${code(error, ITEM_BYTES)}` : '';
