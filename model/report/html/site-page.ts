import type { ChannelLook } from '../../channels/look.js';
import { oneLine, oneName } from '../../text/one-line.js';
import { formatSize } from '../../text/size.js';
import { groupBy } from '../../text/group-by.js';
import { nounOf } from '../../targets/index.js';
import { ageWords } from '../../text/age.js';
import { capitalized, formatSeconds } from '../../text/text.js';
import { needsReboot, summaryWords, switchingWords } from '../changes.js';
import { heldBackWords } from '../held-back-words.js';
import type { HeldState, HostState, Installation, InstanceState, ShownRun } from '../installation.js';
import { isBroken, nameList, OUTCOME_SYMBOLS, plural, verdictWords, closureWords } from '../words.js';
import { line } from './charts.js';
import { markup, name, type Content, type Markup } from './markup.js';
import { channelTable } from './channels.js';
import { folded, list, page, sections, sign, table } from './page.js';
import { outcomeTone } from './report-page.js';
import { verdictSign, verdictTone } from './targets.js';
import { dateTime } from './times.js';

export interface Making {
  /** When it is made: milliseconds since 1970. */
  readonly at: number;
  /** Files of reports that cannot be read, and why. */
  readonly unreadable: readonly { readonly file: string; readonly reason: string }[];
  /** How channels were seen last. */
  readonly looks: readonly ChannelLook[];
}

/** Runs that the first page lists; the others are on a page of their own. */
const RUNS_SHOWN = 8;

export function renderSite(of: Installation, making: Making): string {
  const { instances, hosts, heldBack } = of;
  return page(titleOf(of), [
    markup`<main>`,
    standing(of, making),
    sections([
      ['Needs a look', 'look', looks(of, making)],
      ['Instances', 'instances', instances.length === 0 ? null : instanceTable(instances, making)],
      ['Held back', 'held-back', heldBack.length === 0 ? null : heldTable(heldBack, making)],
      ['Last runs', 'runs', lastRuns(of, making)],
      [`${capitalized(nounIn(of))}s`, 'hosts', hostTables(hosts, nounIn(of), making)],
      ['Channels', 'channels', channelTables(of, making)],
      ['Reports that could not be read', 'unreadable', unreadableList(making)],
    ]),
    markup`</main>`,
    footer(making),
  ]);
}

function lastRuns({ runs }: Installation, making: Making): Content {
  if (runs.length === 0) return null;
  return [
    runTable(runs.slice(0, RUNS_SHOWN), making),
    runs.length > RUNS_SHOWN ? markup`<p><a href="runs.html">All ${runs.length} runs</a></p>` : null,
  ];
}

export const renderRuns = ({ runs }: Installation, making: Making): string =>
  page(`Lockkeeper: ${plural(runs.length, 'run')}`, [
    markup`<nav><a href="index.html">← How everything stands</a></nav><main><h1>${plural(runs.length, 'run')}</h1>`,
    runs.length === 0 ? null : runTable(runs, making),
    markup`</main>`,
    footer(making),
  ]);

const footer = ({ at }: Making): Markup =>
  markup`<footer>Made by Lockkeeper at ${dateTime(new Date(at).toISOString())}, from the reports of this machine; ages are as of then. Times are UTC.</footer>`;

/** What the targets are called together. */
const nounIn = ({ hosts }: Installation): string => nounOf(hosts.map(({ facts }) => facts.kind));
const brokenHosts = ({ hosts }: Installation): readonly HostState[] => hosts.filter(({ facts }) => isBroken(facts));
const toLookAt = ({ instances }: Installation): readonly InstanceState[] =>
  instances.filter(({ last }) => last.summary.needsLook);

function titleOf(of: Installation): string {
  if (of.runs.length === 0) return 'Lockkeeper: no runs yet';
  const [bad, broken] = [toLookAt(of).length, brokenHosts(of).length];
  if (bad === 0 && broken === 0) return '✔ Lockkeeper: all well';
  return `✘ Lockkeeper: ${standingWords(of)}`;
}

function standingWords(of: Installation): string {
  const [bad, broken] = [toLookAt(of).length, brokenHosts(of).length];
  return [
    bad === 0 ? '' : `${plural(bad, 'instance')} ${bad === 1 ? 'needs' : 'need'} a look`,
    broken === 0 ? '' : `${plural(broken, nounIn(of))} broken`,
  ]
    .filter((words) => words !== '')
    .join(', ');
}

function standing(of: Installation, { at }: Making): Markup {
  const { instances, hosts, heldBack, runs } = of;
  if (runs.length === 0)
    return markup`<header class="verdict"><h1>${sign('•', 'calm')} No run has ended yet</h1><p class="soft">When one has, this page shows how it ended. <code>lockkeeper update</code> starts one, <code>lockkeeper apply</code> makes schedules.</p></header>`;
  const words = standingWords(of);
  const broken = brokenHosts(of).length;
  const tone = words === '' ? 'good' : toLookAt(of).length > 0 ? 'bad' : 'warn';
  const tile = (figure: string, what: string, toneOf = ''): Markup =>
    markup`<li><strong class="${toneOf}">${figure}</strong> ${what}</li>`;
  const built = hosts.filter(({ facts }) => facts.verdict === 'built').length;
  const reboots = hosts.filter(({ facts }) => needsReboot(facts.change)).length;
  const tiles = [
    tile(`${built} of ${hosts.length}`, `${nounIn(of)}${hosts.length === 1 ? '' : 's'} built`),
    ...(broken === 0 ? [] : [tile(`✘ ${broken}`, 'broken', 'bad')]),
    ...(heldBack.length === 0
      ? []
      : [tile(`■ ${heldBack.length}`, heldBack.length === 1 ? 'input held back' : 'inputs held back', 'warn')]),
    ...(reboots === 0
      ? []
      : [tile(`! ${reboots}`, reboots === 1 ? 'host that needs a reboot' : 'hosts that need a reboot')]),
    tile(String(instances.length), instances.length === 1 ? 'instance' : 'instances'),
  ];
  const newest = runs[0];
  return markup`<header class="verdict is-${tone}">
<h1>${words === '' ? [sign('✔', 'good'), ' All well'] : [sign('✘', tone), ` ${words}`]}</h1>
<p class="soft">As of ${dateTime(new Date(at).toISOString())}${newest === undefined ? null : markup` · last run ${ago(newest, at)} ago`}</p>
<ul class="tiles">${tiles}</ul>
</header>`;
}

const ago = ({ summary }: ShownRun, at: number): string => ageWords(at - Date.parse(summary.startedAt));

/** What a person has to decide or to fix, the most pressing first. */
function looks(of: Installation, { unreadable }: Making): Markup | null {
  const broken = brokenHosts(of).filter(({ facts }) => facts.mitigation === '');
  const overdue = of.heldBack.filter(({ held }) => held.overdue === true);
  const found: readonly Markup[] = [
    ...toLookAt(of).map(({ instance, last }) => {
      const { summary, page: address } = last;
      const tone = outcomeTone(summary.outcome, summary.isAllGood);
      const reasons = summary.reasons.map((reason) => markup`<span class="below">${oneLine(reason, 500)}</span>`);
      return markup`${sign(OUTCOME_SYMBOLS[summary.outcome], tone)} <a href="${address}">${name(oneName(instance))}: ${summary.headline}</a>${reasons}`;
    }),
    ...(broken.length === 0
      ? []
      : [
          markup`${sign('✘', 'bad')} ${plural(broken.length, nounIn(of))} broken: ${nameList(
            broken.map(({ host }) => host),
            10,
          )}`,
        ]),
    ...(overdue.length === 0
      ? []
      : [
          markup`${sign('■', 'warn')} held back for too long: ${nameList(
            overdue.map(({ held }) => held.input),
            10,
          )}`,
        ]),
    ...(unreadable.length === 0
      ? []
      : [
          markup`${sign('–', 'warn')} <a href="#unreadable">${plural(unreadable.length, 'report')} could not be read</a>`,
        ]),
  ];
  return found.length === 0 ? null : markup`<ul class="plain">${found.map((each) => markup`<li>${each}</li>\n`)}</ul>`;
}

const instanceTable = (instances: readonly InstanceState[], { at }: Making): Markup =>
  table(
    'Instances and their last runs',
    [
      { title: 'Sign', of: 'sign', hidden: true },
      { title: 'Instance' },
      { title: 'Last run', of: 'text' },
      { title: 'Last success', of: 'number wide' },
      { title: 'Age', of: 'number' },
    ],
    instances.map(({ instance, repository, last, lastGood }) => {
      const { summary, page: address } = last;
      return [
        outcomeSign(last),
        [name(oneName(instance)), markup`<span class="below">${oneLine(repository)}</span>`],
        [
          markup`<a href="${address}">${summary.headline}</a>`,
          markup`<span class="below">${summary.counts}</span>`,
          lastGood === last
            ? null
            : markup`<span class="below narrow">last success: ${lastGood === null ? 'none' : `${ago(lastGood, at)} ago`}</span>`,
        ],
        lastGood === null ? 'none' : markup`<a href="${lastGood.page}">${ago(lastGood, at)} ago</a>`,
        ago(last, at),
      ];
    }),
  );

const outcomeSign = ({ summary }: ShownRun): Markup =>
  sign(OUTCOME_SYMBOLS[summary.outcome], outcomeTone(summary.outcome, summary.isAllGood));

const heldTable = (heldBack: readonly HeldState[], { at }: Making): Markup =>
  table(
    'Inputs that are held back, the longest first',
    [{ title: 'Input' }, { title: 'Why', of: 'text' }, { title: 'Since', of: 'number' }],
    heldBack.map(({ held, repository, since, run }) => [
      [name(oneName(held.input)), markup`<span class="below">${oneLine(repository)}</span>`],
      [
        heldBackWords({ ...held, since: run.summary.startedAt }, run.summary),
        markup`<span class="below"><a href="${run.page}">run of ${run.summary.startedAt.slice(0, 10)}</a></span>`,
        held.overdue === true ? markup`<span class="below warn">${sign('■', 'warn')} too long</span>` : null,
      ],
      markup`${since.slice(0, 10)}<span class="below">${ageWords(at - Date.parse(since))}</span>`,
    ]),
  );

/** Hosts that are listed openly; of more of them those of which nothing is to be said are folded. */
const HOSTS_OPEN = 40;

function hostTables(hosts: readonly HostState[], noun: string, making: Making): Content {
  const [notable, calm] = [hosts.filter(isNotable), hosts.filter((each) => !isNotable(each))];
  if (hosts.length === 0) return null;
  if (hosts.length <= HOSTS_OPEN || calm.length === 0) return hostTable(hosts, hosts, noun, making);
  const words = `${plural(calm.length, noun)} built that need${calm.length === 1 ? 's' : ''} nothing`;
  return [
    notable.length === 0 ? null : hostTable(notable, hosts, noun, making),
    folded(words, hostTable(calm, hosts, noun, making)),
  ];
}

const isNotable = ({ facts: { verdict, change } }: HostState): boolean => verdict !== 'built' || needsReboot(change);

function hostTable(hosts: readonly HostState[], all: readonly HostState[], noun: string, { at }: Making): Markup {
  const named = groupBy(all, ({ host }) => host);
  const isAmbiguous = (host: string): boolean => (named.get(host)?.length ?? 0) > 1;
  return table(
    `${capitalized(noun)}s, broken ones first`,
    [
      { title: 'Sign', of: 'sign', hidden: true },
      { title: capitalized(noun) },
      { title: 'Last verdict' },
      { title: 'Closure', of: 'wide' },
      { title: 'Size over the runs', of: 'chart wide' },
      { title: 'Size', of: 'number wide' },
      { title: 'Age', of: 'number' },
    ],
    hosts.map(({ host, repository, facts, run, lastBuilt, sizes }) => [
      verdictSign(facts.verdict),
      [
        name(oneName(host)),
        isAmbiguous(host) ? markup`<span class="below">${oneLine(repository)}</span>` : null,
        facts.error === null || facts.verdict === 'built'
          ? null
          : markup`<span class="below ${verdictTone(facts.verdict)}">${oneLine(facts.error, 300)}</span>`,
        facts.change === null ? null : markup`<span class="below">${summaryWords({ changes: [facts.change] })}</span>`,
        facts.change === null
          ? null
          : switchingWords({ changes: [facts.change] }).map(
              (words) => markup`<span class="below warn">${sign('!', 'warn')} ${words}</span>`,
            ),
      ],
      [
        markup`<a href="${run.page}">${verdictWords(facts)}${facts.mitigation}</a>`,
        facts.verdict === 'built'
          ? null
          : markup`<span class="below">last built: ${lastBuilt === null ? 'not known' : markup`<a href="${lastBuilt.page}">${ago(lastBuilt, at)} ago</a>`}</span>`,
      ],
      closureWords(facts),
      line(sizes) ?? '',
      sizes.length === 0 ? '' : formatSize(sizes.at(-1) ?? 0),
      ago(run, at),
    ]),
  );
}

function channelTables({ instances }: Installation, { looks, at }: Making): Content {
  const own = looks.filter(
    ({ repository, channels }) => channels.length > 0 && instances.some((each) => each.repository === repository),
  );
  return own.length === 0 ? null : own.map((look) => channelTable(look, at));
}

const runTable = (runs: readonly ShownRun[], { at }: Making): Markup =>
  table(
    'Runs, the newest first',
    [
      { title: 'Sign', of: 'sign', hidden: true },
      { title: 'Run' },
      { title: 'Counts', of: 'text wide' },
      { title: 'Took', of: 'number wide' },
      { title: 'Age', of: 'number' },
    ],
    runs.map((run) => [
      outcomeSign(run),
      markup`<a href="${run.page}">${run.summary.headline}</a><span class="below">${name(oneName(run.summary.instance))} · ${dateTime(run.summary.startedAt)}</span>`,
      run.summary.counts,
      formatSeconds(run.summary.seconds),
      ago(run, at),
    ]),
  );

const unreadableList = ({ unreadable }: Making): Content =>
  list(unreadable.map(({ file, reason }) => markup`<code>${oneLine(file)}</code>: ${oneLine(reason, 300)}`));
