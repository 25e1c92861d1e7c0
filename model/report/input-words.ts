import type { ReportedInput } from './data.js';
import { repointedFirst } from '../flake-lock/repointed-first.js';
import { oneLine } from '../text/one-line.js';
import { formatSpan } from '../text/span.js';
import type { WaitingInput } from '../flake-lock/cooldown.js';
import { NAME_BYTES, plural, shortRevision } from './words.js';

/** What an input does whose newest revision is too new. */
export function waitingWords({ cooldown, movesTo, newer, unknown }: WaitingInput): string {
  const age = ageWords(cooldown);
  const others = newer === null ? '' : `; ${plural(newer, 'newer commit')} ${newer === 1 ? 'waits' : 'wait'}`;
  if (movesTo !== null)
    return `moves to its newest revision that is at least ${age} old, ${shortRevision(movesTo)}${others}`;
  if (unknown === 'date')
    return `stays: its newest revision has no date, so nothing says that it is at least ${age} old`;
  if (unknown === 'history') return `stays: its newest revision is less than ${age} old, and no older one was found`;
  if (unknown === 'unread')
    return `stays: its newest revision is less than ${age} old, and the history of older ones could not be read: its server did not answer in time, or wants credentials`;
  if (unknown === 'nested')
    return `stays: its newest revision is at least ${age} old, but brings along an input that is not, or has no date`;
  return `stays: nothing newer is at least ${age} old${others}`;
}

function ageWords(seconds: number): string {
  const [count = '', unit = ''] = formatSpan(seconds).split(/(?<=\d)(?=\D)/);
  return unit === 'd' ? plural(Number(count), 'day') : `${count} ${unit}`;
}

/** `1a2b3c4d → 5e6f7a8b`, `added at …`, `removed, was at …`, or that only nested inputs moved. */
export function movementWords(
  input: Pick<ReportedInput, 'from' | 'to'> & {
    readonly nested?: readonly string[];
    readonly goesBack?: true;
    readonly source?: unknown;
  },
): string {
  const { from, to, nested = [], goesBack, source } = input;
  const instead = nested.length > 0 ? 'only nested inputs moved' : 'content changed';
  if (from === null && to === null) return instead;
  if (from === null) return `added at ${shortRevision(to ?? '')}`;
  if (to === null) return `removed, was at ${shortRevision(from)}`;
  if (from === to) return `stays at ${shortRevision(to)}${source === undefined ? `, ${instead}` : ''}`;
  return `${shortRevision(from)} → ${shortRevision(to)}${goesBack === true ? ', goes back' : ''}`;
}

/** Whether nothing is to be said of an input but what moved below it. */
export const isNestedOnly = ({ from, to, nested }: Pick<ReportedInput, 'from' | 'to' | 'nested'>): boolean =>
  from === to && nested.length > 0;

/** The first nested inputs that moved, and how many more there are. Of those that an older run tells of, only the path is known. */
export function nestedOf(
  { nested, nestedMoves }: Pick<ReportedInput, 'nested' | 'nestedMoves'>,
  limit: number,
): { readonly shown: readonly ShownNested[]; readonly more: number } {
  const known = repointedFirst(nestedMoves);
  const repointed = known.filter(({ source }) => source !== undefined).map(({ path }) => path);
  const paths = [...new Set([...repointed, ...nested])];
  const shown = paths.slice(0, limit).map((path): ShownNested => {
    const move = known.find((each) => each.path === path);
    const { source } = move ?? {};
    const elsewhere =
      source === undefined ? '' : `, now from ${oneLine(source.to, 200)}, not ${oneLine(source.from, 200)}`;
    return {
      path: oneLine(path, NAME_BYTES),
      movement: move === undefined ? '' : `${movementWords(move)}${elsewhere}`,
      dates: move === undefined ? '' : dateWords(move),
      compareUrl: move?.compareUrl ?? null,
    };
  });
  return { shown, more: nested.length - shown.length };
}

/** How many nested inputs come from somewhere else than before. */
export const repointedCount = ({ nestedMoves }: Pick<ReportedInput, 'nestedMoves'>): number =>
  nestedMoves.filter(({ source }) => source !== undefined).length;

export interface ShownNested {
  readonly path: string;
  readonly movement: string;
  readonly dates: string;
  readonly compareUrl: string | null;
}

/** `2026-11-01 → 2026-11-20`, one date, or nothing. */
export function dateWords({ fromDate, toDate }: Pick<ReportedInput, 'fromDate' | 'toDate'>): string {
  const known = [fromDate, toDate].filter((date) => date !== null).map((date) => oneLine(date, 20));
  return [...new Set(known)].join(' → ');
}

/** `12 commits`, or nothing where they are not known. */
export const commitCountWords = ({ commits }: Pick<ReportedInput, 'commits'>): string =>
  commits === undefined ? '' : plural(commits.count, 'commit');

/** The newest commits of an input, each in one line, and how many more there are. */
export function commitsOf({ commits }: Pick<ReportedInput, 'commits'>, limit: number): ShownCommits {
  const newest = (commits?.newest ?? []).slice(0, limit);
  return {
    shown: newest.map(({ revision, date, subject }) => ({
      revision: shortRevision(revision),
      date: oneLine(date, 20),
      subject: oneLine(subject, 160),
    })),
    more: (commits?.count ?? 0) - newest.length,
  };
}

interface ShownCommits {
  readonly shown: readonly { readonly revision: string; readonly date: string; readonly subject: string }[];
  readonly more: number;
}
