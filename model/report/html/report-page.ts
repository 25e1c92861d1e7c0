import { cacheRows, OUTCOME_WORDS } from '../../caches/words.js';
import { channelWords, lostWords } from '../../channels/move.js';
import { planWords } from '../../nix/plan-words.js';
import { oneLine, oneName } from '../../text/one-line.js';
import { formatSize } from '../../text/size.js';
import { capitalized, formatSeconds } from '../../text/text.js';
import { listedVulnerabilities, newVulnerabilityWords, vulnerabilityWords } from '../../advisories/words.js';
import {
  changeGroups,
  packageRows,
  summaryWords,
  switchingWords,
  vulnerabilitiesOf,
  type ChangeGroup,
} from '../changes.js';
import { gatesOf, hostsOf, type Outcome, type Report, type ReportedTarget } from '../data.js';
import type { SizeHistory } from '../facts.js';
import { heldBackWords, letGoWords } from '../held-back-words.js';
import {
  approvalWords,
  attemptWords,
  brokenTargets,
  builtNoun,
  failuresWords,
  fixWords,
  isBroken,
  nameList,
  newSourcesWords,
  goneWords,
  notAskedWords,
  OUTCOME_SYMBOLS,
  outcomeWords,
  plannedWords,
  plural,
  stoppingTargets,
  shortRevision,
} from '../words.js';
import { insteadOfWords, landedWords, oldBranchesWords, requestWords } from '../landed-words.js';
import { brokenLog, heldBackItem } from './logs.js';
import { inputSections } from './inputs.js';
import { link, markup, name, type Content, type Markup } from './markup.js';
import { bar, line } from './charts.js';
import { facts, folded, list, page, sections, sign, table, type Tone } from './page.js';
import { targetTable } from './targets.js';
import { dateTime } from './times.js';
import { reportName } from '../page.js';
import { partRows } from '../part-words.js';

interface Surroundings {
  readonly sizes?: SizeHistory;
  /** Relative address of the page that leads here; missing for a page that stands alone. */
  readonly up?: string;
}

/** The report as one page that needs nothing else: no script, no other file. */
export const renderHtml = (report: Report, { sizes = () => [], up }: Surroundings = {}): string =>
  page(`${OUTCOME_SYMBOLS[report.outcome]} ${outcomeWords(report)}: ${oneLine(report.repository)}`, [
    up === undefined ? null : markup`<nav><a href="${up}">← How everything stands</a></nav>`,
    markup`<main>`,
    summary(report),
    sections([
      ['Requests', 'requests', partTable(report, up !== undefined)],
      [`${capitalized(builtNoun(report))}s`, 'hosts', hosts(report)],
      ['Binary caches', 'caches', cacheTable(report)],
      ['Gates', 'gates', targetTable(report, gatesOf(report), 'gate', false)],
      [
        'Channels',
        'channels',
        list(report.channels.map((each) => markup`${name(oneName(each.branch))}: ${channelWords(each)}`)),
      ],
      ['What broke', 'broken', brokenTargets(report).map((target, index) => brokenLog(report, target, index < 3))],
      [
        'Holding inputs back did not help',
        'not-held-back',
        list(
          report.notHeldBack.map(({ target, reason }) => markup`${name(oneName(target))}: ${oneLine(reason, 1000)}`),
        ),
      ],
      ['What changes', 'changes', changes(report)],
      ['Size of closures', 'sizes', sizeTable(report, sizes)],
      ...inputSections(report),
      [
        'Held back',
        'held-back',
        list(report.heldBack.map((held) => heldBackItem(report, held, heldBackWords(held, report)))),
      ],
      [
        'No longer held back',
        'let-go',
        list(report.letGo.map((each) => markup`${name(oneName(each.input))}: ${letGoWords(each)}`)),
      ],
      [
        'What the agent was asked to fix',
        'fixes',
        list(
          report.fixes.map(
            (fix) =>
              markup`${name(oneName(fix.target))}:
            ${fixWords(fix)}${list(fix.attempts.map((attempt) => markup`${attemptWords(attempt)}${attempt.logPath === '' ? null : markup`<span class="below">log <code>${oneLine(attempt.logPath, 1000)}</code></span>`}`))}`,
          ),
        ),
      ],
      ['How long each took', 'times', timeTable(report)],
      [
        'Notifications that failed',
        'notifications',
        list(
          report.notifications
            .filter(({ ok }) => !ok)
            .map(
              ({ notifier, event, error }) => markup`${notifier} (${oneLine(event)}): ${oneLine(error ?? '', 1000)}`,
            ),
        ),
      ],
      ['Left out', 'left-out', list(report.leftOut.map((text) => oneLine(text, 1000)))],
      [
        'Settings of the flake that were ignored (nixConfig)',
        'nix-config',
        list(report.ignoredNixConfig.map((text) => markup`<code>${oneLine(text, 1000)}</code>`)),
      ],
    ]),
    markup`</main>`,
  ]);

/** What became of each update of a run that proposes each input by itself. */
function partTable(report: Report, isOfSite: boolean): Markup | null {
  const rows = partRows(report);
  if (rows.length === 0) return null;
  return table(
    'Pull requests of the inputs, and what became of each',
    [{ title: 'Inputs' }, { title: 'Verdict' }, { title: 'Request' }, { title: 'Run' }],
    rows.map(({ outcome, inputs, headline, request, details, run }) => [
      name(inputs),
      [
        sign(OUTCOME_SYMBOLS[outcome], outcomeTone(outcome)),
        ` ${headline}`,
        details.map((each) => markup`<span class="below">${each}</span>`),
      ],
      request === null ? null : request.url === null ? request.text : link(request.text, request.url),
      isOfSite
        ? markup`<a href="${encodeURIComponent(`${reportName(run)}.html`)}">${run}</a>`
        : markup`<code>${run}</code>`,
    ]),
  );
}

/** What became of uploads: targets of which the same became are one row. */
function cacheTable(report: Report): Markup | null {
  const rows = cacheRows(report.targets);
  if (rows.length === 0) return null;
  return table(
    'Binary caches, and what became of uploads to them',
    [{ title: 'Cache' }, { title: 'Upload' }, { title: `${capitalized(builtNoun(report))}s` }],
    rows.map(({ cache, outcome, targets, detail }) => [
      name(cache),
      [sign(outcome === 'failed' ? '✘' : '✔', outcome === 'failed' ? 'bad' : 'good'), ` ${OUTCOME_WORDS[outcome]}`],
      [nameList(targets, 20), detail === '' ? null : markup`<span class="below">${detail}</span>`],
    ]),
  );
}

/** How an outcome is coloured; one that landed although something broke is not all good. */
export const outcomeTone = (outcome: Outcome, isAllGood = true): Tone =>
  ({
    landed: isAllGood ? ('good' as const) : ('warn' as const),
    verified: isAllGood ? ('good' as const) : ('warn' as const),
    unchanged: 'calm' as const,
    superseded: 'calm' as const,
    cancelled: 'warn' as const,
    broken: 'bad' as const,
    rejected: 'bad' as const,
    expired: 'bad' as const,
    failed: 'bad' as const,
  })[outcome];

function summary(report: Report): Markup {
  const { outcome, repository, run, startedAt, seconds, instance } = report;
  const tone = outcomeTone(outcome, brokenTargets(report).length === 0);
  const landed = landedWords(report);
  const stopping = stoppingTargets(report);
  const bad = [
    report.error === null ? null : oneLine(report.error, 4096),
    report.nothingVerified === undefined ? null : oneLine(report.nothingVerified, 4096),
    stopping.length === 0
      ? null
      : `Stopped by ${nameList(
          stopping.map((target) => target.name),
          10,
        )}`,
    failuresWords(report),
    lostWords(report.channels),
  ].filter((words) => words !== null);
  const warnings = [...newSourcesWords(report), ...[insteadOfWords(report)].filter((words) => words !== null)];
  return markup`<header class="verdict is-${tone}">
    <h1>${sign(OUTCOME_SYMBOLS[outcome], tone)} ${outcomeWords(report)}</h1>
    <p class="soft">${name(oneLine(repository))} · ${dateTime(startedAt)} · took ${formatSeconds(seconds)}</p>
    ${bad.map((words) => markup`<p class="note is-bad">${words}</p>`)}
    ${warnings.map((words) => markup`<p class="note">${words}</p>`)} ${tiles(report)}
    ${facts([
      [
        'Commit',
        landed === null
          ? null
          : markup`<code>${shortRevision(landed.commit)}</code> ${landed.text} <code>${landed.ref}</code>`,
      ],
      ['Pull requests', list(requestWords(report).map(({ text, url }) => (url === null ? text : link(text, url))))],
      ['To build', plannedWords(report)],
      ['Old branches', oldBranchesWords(report).join(', ')],
      ['Approval', approvalWords(report)],
      ['Instance', name(oneName(instance))],
      ['Run', markup`<code>${oneLine(run)}</code>`],
    ])}
  </header>`;
}

function tiles(report: Report): Markup | null {
  const { inputs, heldBack, unfetched } = report;
  const broken = brokenTargets(report);
  const tile = (figure: string, words: string, tone = ''): Markup =>
    markup`<li><strong class="${tone}">${figure}</strong> ${words}</li>`;
  const built = (targets: readonly ReportedTarget[], what: string): readonly Markup[] =>
    targets.length === 0
      ? []
      : [tile(`${targets.filter(({ verdict }) => verdict === 'built').length} of ${targets.length}`, what)];
  const shown = [
    ...built(hostsOf(report), `${builtNoun(report)}${hostsOf(report).length === 1 ? '' : 's'} built`),
    ...built(gatesOf(report), gatesOf(report).length === 1 ? 'gate passed' : 'gates passed'),
    ...(broken.length === 0 ? [] : [tile(`✘ ${broken.length}`, 'broken', 'bad')]),
    ...(inputs.length === 0 ? [] : [tile(String(inputs.length), inputs.length === 1 ? 'input moved' : 'inputs moved')]),
    ...(heldBack.length === 0
      ? []
      : [tile(`■ ${heldBack.length}`, heldBack.length === 1 ? 'input held back' : 'inputs held back', 'warn')]),
    ...(unfetched.length === 0
      ? []
      : [tile(`– ${unfetched.length}`, unfetched.length === 1 ? 'input not updated' : 'inputs not updated', 'warn')]),
  ];
  return shown.length === 0
    ? null
    : markup`<ul class="tiles">
        ${shown}
      </ul>`;
}

/** Hosts that are listed openly; of more of them those that are built are folded. */
const HOSTS_OPEN = 40;

function targetTables(report: Report): Content {
  const all = hostsOf(report);
  const noun = builtNoun(report);
  const built = all.filter(({ verdict }) => verdict === 'built');
  if (all.length <= HOSTS_OPEN || built.length === 0) return targetTable(report, all, noun, true);
  const others = all.filter(({ verdict }) => verdict !== 'built');
  return [
    targetTable(report, others, noun, true),
    folded(`${plural(built.length, noun)} built`, targetTable(report, built, noun, true)),
  ];
}

function hosts(report: Report): Content {
  const { notAsked } = report;
  const all = targetTables(report);
  if (all === null) return null;
  const gone = goneWords(report);
  return [
    all,
    gone === '' ? null : markup`<p>${gone}</p>`,
    notAsked.length === 0
      ? null
      : markup`<p class="soft small">${notAskedWords(report)}: ${nameList(notAsked, 20)}</p>`,
  ];
}

/** Packages that are listed of each change; the JSON report has more. */
const PACKAGES_SHOWN = 200;
/** Changes whose packages are listed; of the others the JSON report has them. */
const CHANGES_SHOWN = 10;
const HOSTS_NAMED = 10;

function changes(report: Report): Content {
  const groups = changeGroups(report);
  const rest = groups.slice(CHANGES_SHOWN);
  const count = rest.reduce((sum, { hosts: names }) => sum + names.length, 0);
  const title = `What changes on ${plural(count, `other ${builtNoun(report)}`)}`;
  return [
    groups.slice(0, CHANGES_SHOWN).map((group, index) => changeOf(group, index === 0 && groups.length <= 3)),
    rest.length === 0
      ? null
      : folded(
          title,
          table(
            title,
            [{ title: capitalized(builtNoun(report)) }, { title: 'What changes', of: 'text' }],
            rest.map((group) => [nameList(group.hosts, HOSTS_NAMED), [summaryWords(group), warningsOf(group)]]),
          ),
        ),
  ];
}

/** What is to be seen without unfolding anything. */
const warningsOf = (group: ChangeGroup): readonly Markup[] =>
  [...switchingWords(group), newVulnerabilityWords(vulnerabilitiesOf(group.changes[0]))]
    .filter((words) => words !== null)
    .map((words) => markup`<span class="below warn">${sign('!', 'warn')} ${words}</span>`);

function changeOf(group: ChangeGroup, open: boolean): Markup {
  const { hosts: names } = group;
  const { rows, more } = packageRows(group, PACKAGES_SHOWN);
  const heading = markup`<b>${nameList(names, HOSTS_NAMED)}</b><span class="below">${summaryWords(group)}</span>${warningsOf(group)}`;
  const packages = [
    vulnerabilities(group),
    rows.length === 0
      ? null
      : table(
          `Packages that change on ${nameList(names, HOSTS_NAMED)}`,
          [{ title: 'Package' }, { title: 'Versions' }, { title: 'Size', of: 'number' }],
          rows.map(([each, versions, size]) => [name(each), markup`<code>${versions}</code>`, size]),
        ),
    more === null ? null : markup`<p class="soft small">${more}</p>`,
  ];
  return folded(heading, packages, open);
}

const VULNERABILITIES_SHOWN = 100;

/** Which known vulnerabilities come and go: what is sure, and folded what is not; nothing where nobody asked. */
function vulnerabilities({ changes: [change] }: ChangeGroup): Content {
  const found = vulnerabilitiesOf(change);
  if (found === null) return null;
  const [summary, ...more] = vulnerabilityWords(found);
  const listed = listedVulnerabilities(found);
  const tableOf = (sure: boolean): Content => {
    const all = listed.filter((each) => each.sure === sure);
    const shown = all.slice(0, VULNERABILITIES_SHOWN);
    if (shown.length === 0) return null;
    return [
      table(
        sure ? 'Known vulnerabilities' : 'Vulnerabilities by name only',
        [
          ...[{ title: 'Vulnerability' }, { title: 'Severity' }, { title: 'Package' }],
          ...([
            { title: 'Versions', of: 'wide' },
            { title: 'Match', of: 'wide' },
          ] as const),
        ],
        shown.map(({ isNew, cells: [what, id, severity, packageName, versions, match] }) => [
          [sign(isNew ? '!' : '✔', isNew ? 'bad' : 'good'), ` ${what} `, name(id)],
          ...[severity, name(packageName), name(versions), match],
        ]),
      ),
      all.length > shown.length ? markup`<p class="soft small">and ${all.length - shown.length} more</p>` : null,
    ];
  };
  const unsure = tableOf(false);
  return [
    markup`<p>${summary}</p>`,
    more.map((words) => markup`<p class="note">${words}</p>`),
    tableOf(true),
    unsure === null ? null : folded('Perhaps: matched by name only', unsure),
  ];
}

const SIZES_SHOWN = 12;

/** Sizes of closures over the runs, of the hosts that changed the most first. */
function sizeTable(report: Report, history: SizeHistory): Content {
  const sized = hostsOf(report).flatMap(({ name: host, closure }) => {
    if (closure === undefined) return [];
    const size = closure.kind === 'compared' ? closure.sizes[1] : closure.size;
    return [{ host, size, before: closure.kind === 'compared' ? closure.sizes[0] : size }];
  });
  const shown = sized
    .sort((one, other) => Math.abs(other.size - other.before) - Math.abs(one.size - one.before))
    .slice(0, SIZES_SHOWN)
    .map(({ host, size, before }) => {
      const earlier = history(host);
      return {
        host,
        size,
        before,
        runs: earlier.length + 1,
        values: [...(earlier.length === 0 ? [before] : earlier), size],
      };
    });
  if (shown.length === 0) return null;
  const rest = sized.length - shown.length;
  return [
    table(
      'Size of closures over the runs',
      [
        { title: capitalized(builtNoun(report)) },
        { title: 'Over the runs', of: 'chart' },
        { title: 'Before', of: 'number wide' },
        { title: 'Now', of: 'number' },
      ],
      shown.map(({ host, size, before, runs, values }) => [
        [
          name(oneName(host)),
          markup`<span class="below">from ${formatSize(Math.min(...values))} to ${formatSize(Math.max(...values))} ${runs === 1 ? 'in the first run that is known' : `in ${runs} runs`}</span>`,
        ],
        line(values),
        formatSize(before),
        formatSize(size),
      ]),
    ),
    rest > 0
      ? markup`<p class="soft small">and ${plural(rest, builtNoun(report))} more, whose sizes change less</p>`
      : null,
  ];
}

/** Targets whose time is drawn. */
const TIMES_SHOWN = 20;

function timeTable(report: Report): Content {
  const timed = report.targets.filter(({ seconds }) => seconds > 0).sort((one, other) => other.seconds - one.seconds);
  const longest = timed[0]?.seconds ?? 0;
  if (timed.length === 0) return null;
  const shown = timed.slice(0, TIMES_SHOWN);
  return [
    table(
      'How long each took, the longest first',
      [
        { title: 'Name' },
        { title: 'Time', of: 'chart', hidden: true },
        { title: 'Builds and downloads', of: 'wide' },
        { title: 'Time', of: 'number' },
      ],
      shown.map((target) => [
        [name(oneName(target.name)), isBroken(target) ? markup` <span class="bad small">✘ broken</span>` : null],
        bar(target.seconds / longest, target.seconds / longest),
        planWords(target.plan),
        formatSeconds(target.seconds),
      ]),
    ),
    timed.length > shown.length
      ? markup`<p class="soft small">and ${plural(timed.length - shown.length, 'other')} that took less</p>`
      : null,
    markup`<p class="soft small">Of each the verification that took the longest: a later one finds in the store what that built.</p>`,
  ];
}
