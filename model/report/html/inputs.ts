import { adviceWords } from '../advice-words.js';
import { oneLine, oneName } from '../../text/one-line.js';
import type { Report, ReportedInput } from '../data.js';
import {
  commitCountWords,
  commitsOf,
  dateWords,
  movementWords,
  nestedOf,
  repointedCount,
  waitingWords,
} from '../input-words.js';
import { bar } from './charts.js';
import { markup, link, name, type Content } from './markup.js';
import { DAY_MS } from '../../text/span.js';
import { folded, list, table, type Section } from './page.js';

/** Nested inputs that are shown for each input; the JSON report has all. */
const NESTED_SHOWN = 10;
/** The same where many inputs moved. */
const MANY_INPUTS = 12;
const FEW_NESTED = 2;

/** What moved, how old it is, and what could not be asked for. */
export function inputSections(report: Report): readonly Section[] {
  return [
    ['Inputs', 'inputs', inputTable(report)],
    ['Newest commits', 'commits', commitTables(report)],
    ['Age of the inputs', 'ages', ageTable(report)],
    [
      'Not updated',
      'not-updated',
      list(report.unfetched.map((input) => markup`${name(oneName(input.name))}: ${oneLine(input.reason, 1000)}`)),
    ],
    ['Advice', 'advice', list(adviceWords(report.advice, report.startedAt))],
    [
      'Waiting',
      'waiting',
      list(report.waiting.map((input) => markup`${name(oneName(input.name))}: ${waitingWords(input)}`)),
    ],
  ];
}

function inputTable({ inputs }: Report): Content {
  if (inputs.length === 0) return null;
  return table(
    'Inputs that moved',
    [{ title: 'Input' }, { title: 'Revision' }, { title: 'Date', of: 'wide' }, { title: 'Changes' }],
    inputs.flatMap((input) => [
      rowOf(oneName(input.name), movementWords(input), dateWords(input), input.compareUrl, commitCountWords(input)),
      ...nestedRows(input, inputs.length > MANY_INPUTS ? Math.max(FEW_NESTED, repointedCount(input)) : NESTED_SHOWN),
    ]),
  );
}

function nestedRows(input: ReportedInput, limit: number): readonly (readonly Content[])[] {
  const { shown, more } = nestedOf(input, limit);
  return [
    ...shown.map(({ path, movement, dates, compareUrl }) => rowOf(`↳ ${path}`, movement, dates, compareUrl)),
    ...(more > 0 ? [[`↳ and ${more} more nested inputs`, '', '', '']] : []),
  ];
}

const rowOf = (
  title: string,
  movement: string,
  dates: string,
  compareUrl: string | null,
  count = '',
): readonly Content[] => [
  name(title),
  [markup`<code>${movement}</code>`, dates === '' ? null : markup`<span class="below narrow">${dates}</span>`],
  dates,
  compareUrl === null ? count : link(count === '' ? 'compare' : count, compareUrl),
];

const COMMITS_SHOWN = 10;
/** Inputs whose commits stand open; of more of them each opens for itself. */
const COMMITS_OPEN = 3;

function commitTables({ inputs }: Report): Content {
  const known = inputs.filter((input) => commitsOf(input, 1).shown.length > 0);
  return known.map((input) => {
    const { shown, more } = commitsOf(input, COMMITS_SHOWN);
    const count = commitCountWords(input);
    return folded(
      markup`<b>${name(oneName(input.name))}</b> ${count}`,
      [
        table(
          `Newest commits of ${oneName(input.name)}`,
          [{ title: 'Commit' }, { title: 'Subject', of: 'text' }, { title: 'Date', of: 'wide' }],
          shown.map(({ revision, date, subject }) => [markup`<code>${revision}</code>`, subject, date]),
        ),
        more > 0 ? markup`<p class="soft small">and ${more} more</p>` : null,
      ],
      known.length <= COMMITS_OPEN,
    );
  });
}

/** How old each input was on the day of the run: before the update, and after it. */
function ageTable({ inputs, startedAt }: Report): Content {
  const started = Date.parse(startedAt);
  const days = (date: string | null): number | null => {
    const time = date === null ? NaN : Date.parse(date);
    return Number.isNaN(time) ? null : Math.max(0, Math.floor((started - time) / DAY_MS));
  };
  const aged = inputs.flatMap(({ name: input, fromDate, toDate }) => {
    const [before, after] = [days(fromDate), days(toDate)];
    return after === null ? [] : [{ input, before: before ?? after, after }];
  });
  if (aged.length === 0) return null;
  const oldest = Math.max(1, ...aged.map(({ before, after }) => Math.max(before, after)));
  return table(
    'Age of the inputs, in days on the day of the run',
    [
      { title: 'Input' },
      { title: 'Age', of: 'chart', hidden: true },
      { title: 'Before', of: 'number' },
      { title: 'Now', of: 'number' },
    ],
    aged
      .sort((one, other) => other.after - one.after)
      .map(({ input, before, after }) => [
        name(oneName(input)),
        bar(Math.max(before, after) / oldest, after / oldest),
        dayWords(before),
        dayWords(after),
      ]),
  );
}

const dayWords = (days: number): string => (days === 1 ? '1 day' : `${days} days`);
