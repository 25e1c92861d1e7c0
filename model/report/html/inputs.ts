import { oneLine, oneName } from '../../text/one-line.js';
import type { Report, ReportedInput } from '../data.js';
import { commitCountWords, commitsOf, dateWords, movementWords, nestedOf, waitingWords } from '../words.js';
import { bar } from './charts.js';
import { markup, link, name, type Content } from './markup.js';
import { DAY_MS } from '../../text/span.js';
import { list, table, type Section } from './page.js';

/** Nested inputs that are shown for each input; the JSON report has all. */
const NESTED_SHOWN = 10;

/** What moved, how old it is, and what could not be asked for. */
export function inputSections(report: Report): readonly Section[] {
  return [
    ['Inputs', 'inputs', inputTable(report)],
    ['Newest commits', 'commits', commitTable(report)],
    ['Age of the inputs', 'ages', ageTable(report)],
    [
      'Not updated',
      'not-updated',
      list(report.unfetched.map((input) => markup`${name(oneName(input.name))}: ${oneLine(input.reason, 1000)}`)),
    ],
    [
      'Waiting',
      'waiting',
      list((report.waiting ?? []).map((input) => markup`${name(oneName(input.name))}: ${waitingWords(input)}`)),
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
      ...nestedRows(input),
    ]),
  );
}

function nestedRows(input: ReportedInput): readonly (readonly Content[])[] {
  const { shown, more } = nestedOf(input, NESTED_SHOWN);
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

/** Commits that are shown of each input. */
const COMMITS_SHOWN = 10;

function commitTable({ inputs }: Report): Content {
  const rows = inputs.flatMap((input) => {
    const { shown, more } = commitsOf(input, COMMITS_SHOWN);
    return [
      ...shown.map(({ revision, date, subject }, index) => [
        ...[index === 0 ? name(oneName(input.name)) : '', markup`<code>${revision}</code>`, subject, date],
      ]),
      ...(more > 0 && shown.length > 0 ? [['', '', `and ${more} more`, '']] : []),
    ];
  });
  if (rows.length === 0) return null;
  return table(
    'Newest commits of the inputs that moved',
    [{ title: 'Input' }, { title: 'Commit' }, { title: 'Subject' }, { title: 'Date', of: 'wide' }],
    rows,
  );
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
