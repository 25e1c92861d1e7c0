import { oneLine } from '../../model/text/one-line.js';
import { plural } from '../../model/report/words.js';
import type { Paint } from '../terminal/output.js';
import { pad, width } from '../progress/width.js';

/** A schedule as `lockkeeper schedules` tells of it. */
export interface ListedSchedule {
  readonly instance: string;
  readonly configuration: string;
  readonly paused: boolean;
  readonly note: string | null;
  /** The last run that the schedule started; `null` when it has started none. Its state is `null` when the server has dropped it. */
  readonly last: { readonly run: string; readonly state: string | null; readonly startedAt: string } | null;
  readonly next: readonly string[];
  /** Failures since the last success, as far as runs were counted, also of runs that were started by hand. */
  readonly failuresInRow: number;
  /** End of the last run that succeeded. */
  readonly lastSuccess: string | null;
}

/** Schedules as lines, one each. */
export function scheduleTable(listed: readonly ListedSchedule[], style: Paint): string {
  const names = Math.max(...listed.map(({ instance }) => width(instance)));
  return listed
    .map((schedule) => {
      const { instance, paused, note, next, lastSuccess } = schedule;
      const when = paused
        ? style.yellow(pausedWords(note))
        : next.length === 0
          ? style.dim('no next run')
          : `next ${next.slice(0, 2).map(minute).join(', ')} UTC`;
      const failures = failuresWords(schedule);
      const success = lastSuccess === null ? [] : [style.dim(`last success ${minute(lastSuccess)}`)];
      return [
        pad(instance, names),
        when,
        style.dim(lastWords(schedule)),
        ...(failures === null ? [] : [style.red(failures)]),
        ...success,
      ].join('  ');
    })
    .join('\n');
}

function lastWords({ last }: ListedSchedule): string {
  if (last === null) return 'no scheduled run yet';
  return `last ${minute(last.startedAt)}: ${last.state ?? 'no longer kept by the server'}`;
}

/** Runs by hand count as well: where the schedule has started none, it was they that failed. */
function failuresWords({ last, failuresInRow }: ListedSchedule): string | null {
  if (failuresInRow === 0) return null;
  return `${plural(failuresInRow, 'failure')} in a row${last === null ? ' of runs by hand' : ''}`;
}

/** Ours begin with that word themselves. */
const pausedWords = (note: string | null): string =>
  note === null ? 'paused' : note.startsWith('paused') ? oneLine(note, 200) : `paused: ${oneLine(note, 200)}`;

/** `2026-11-28 10:35` */
export const minute = (time: string): string => time.slice(0, 16).replace('T', ' ');
