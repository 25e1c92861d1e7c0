import { oneLine } from '../../model/text/one-line.js';
import { formatSeconds } from '../../model/text/text.js';
import type { Paint } from '../../model/report/paint.js';
import { clip, clipMiddle, pad, width } from '../progress/width.js';

export interface ListedRun {
  readonly run: string;
  readonly repository: string | null;
  /** Outcome of a closed run where it is known, else what the server says. */
  readonly state: string;
  readonly startedAt: string;
  readonly closedAt: string | null;
  readonly seconds: number;
}

interface Column {
  readonly texts: readonly string[];
  readonly width: number;
  readonly align?: 'right';
  readonly colour?: (text: string, row: number) => string;
}

/** Columns of a terminal between two columns of the table. */
const GAP = 2;
/** Less of a repository tells nothing. */
const LEAST_REPOSITORY = 12;

/**
 * Runs as lines, one each.
 * @param columns what a line may take; `null`: as much as it needs. Ids stay whole, as they are what other commands
 *   are given: first the repository gets shorter, then it is left out, then the start, of which most ids tell.
 */
export function runTable(runs: readonly ListedRun[], columns: number | null, style: Paint): string {
  const room = columns ?? Number.POSITIVE_INFINITY;
  const ids = column(runs.map(({ run }) => oneLine(run, 200)));
  const states: Column = {
    ...column(runs.map(({ state }) => oneLine(state, 60))),
    colour: (text, row) => stateColour(runs[row]?.state ?? '', style)(text),
  };
  const starts = column(runs.map(({ startedAt }) => startedAt.slice(0, 16).replace('T', ' ')));
  const spans: Column = { ...column(runs.map(({ seconds }) => formatSeconds(seconds))), align: 'right' };
  const repositories: Column = {
    ...column(runs.map(({ repository }) => oneLine(repository ?? '', 200))),
    colour: style.dim,
  };

  const left = room - taken([ids, states, starts, spans]) - GAP;
  if (left >= Math.min(LEAST_REPOSITORY, repositories.width))
    return lines([ids, states, starts, spans, narrowed(repositories, left, clipMiddle)]);
  if (left >= -GAP) return lines([ids, states, starts, spans]);
  return lines([ids, narrowed(states, room - taken([ids, spans]) - GAP, clip), spans]);
}

function stateColour(state: string, style: Paint): (text: string) => string {
  if (state.startsWith('waiting')) return style.yellow;
  if (state === 'running') return style.cyan;
  if (['landed', 'verified'].includes(state)) return style.green;
  return ['unchanged', 'closed'].includes(state) ? style.dim : style.red;
}

const column = (texts: readonly string[]): Column => ({ texts, width: Math.max(...texts.map(width)) });

const taken = (columns: readonly Column[]): number =>
  columns.reduce((sum, each) => sum + each.width, GAP * (columns.length - 1));

const narrowed = (wide: Column, room: number, cut: (text: string, columns: number) => string): Column => {
  const columns = Math.min(wide.width, Math.max(room, 1));
  return {
    ...wide,
    width: columns,
    texts: wide.texts.map((text) => (wide.width > columns ? cut(text, columns) : text)),
  };
};

function lines(columns: readonly Column[]): string {
  const rows = columns[0]?.texts ?? [];
  return rows
    .map((_, row) => columns.map((each, at) => cell(each, row, at === columns.length - 1)).join(' '.repeat(GAP)))
    .join('\n');
}

function cell({ texts, width: columns, align, colour }: Column, row: number, isLast: boolean): string {
  const text = texts[row] ?? '';
  const shown = align === 'right' ? ' '.repeat(columns - width(text)) + text : isLast ? text : pad(text, columns);
  return colour === undefined ? shown : colour(shown, row);
}
