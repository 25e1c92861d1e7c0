import type { ShownStanding } from '../../model/instance/record.js';
import { oneLine, oneName } from '../../model/text/one-line.js';
import { plural } from '../../model/report/words.js';
import { ageWords } from '../../model/text/age.js';
import { formatSpan } from '../../model/text/span.js';
import type { Paint } from '../../model/report/paint.js';
import type { ListedWatch } from './watchers.js';
import { pad, width } from '../progress/width.js';

export interface ListedSchedule {
  readonly instance: string;
  readonly configuration: string;
  readonly paused: boolean;
  readonly note: string | null;
  /** The last run that the schedule started; `null` when it has started none. Its state is `null` when the server has dropped it. */
  readonly last: { readonly run: string; readonly state: string | null; readonly startedAt: string } | null;
  readonly next: readonly string[];
  /** How an instance that has no schedule watches main; missing for schedules. */
  readonly watch?: {
    readonly pollSeconds: number;
    readonly verified: string | null;
    readonly trouble: string | null;
  };
  /** Failures since the last success, as far as runs were counted, also of runs that were started by hand. */
  readonly failuresInRow: number;
  /** End of the last run that succeeded. */
  readonly lastSuccess: string | null;
  /** Channels that stand still for longer than `channelAlarmSec`, the longest first; missing where nobody looks at them. */
  readonly standingChannels?: ShownStanding['channels'];
  /** How many those are: not all of them are listed where they are many. */
  readonly standingCount?: number;
}

export function scheduleTable(listed: readonly ListedSchedule[], style: Paint): string {
  const names = Math.max(...listed.map(({ instance }) => width(instance)));
  return listed
    .map((schedule) => {
      const { instance, paused, note, next, watch, lastSuccess } = schedule;
      const when = paused
        ? style.yellow(pausedWords(note))
        : watch !== undefined
          ? watchWords(watch, style)
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
        ...standingWords(schedule).map((words) => style.red(words)),
      ].join('  ');
    })
    .join('\n');
}

/** A watcher in a line, as lists of runs show it. */
export const watcherLine = (watcher: ListedWatch, style: Paint): string =>
  [
    watcher.workflowId,
    watcher.paused === null ? watchWords(watcher, style) : style.yellow(pausedWords(watcher.paused)),
    style.dim(oneLine(`${watcher.repository} ${watcher.mainBranch}`, 300)),
  ].join('  ');

function watchWords({ pollSeconds, verified, trouble }: NonNullable<ListedSchedule['watch']>, style: Paint): string {
  if (trouble !== null) return style.red(oneLine(trouble, 300));
  const where = verified === null ? 'nothing verified yet' : `verified ${verified.slice(0, 12)}`;
  return `looks every ${formatSpan(pollSeconds)}, ${where}`;
}

function lastWords({ last, watch }: ListedSchedule): string {
  if (last === null) return watch === undefined ? 'no scheduled run yet' : 'no run yet';
  return `last ${minute(last.startedAt)}: ${last.state ?? 'no longer kept by the server'}`;
}

/** Runs by hand count as well: where the schedule has started none, it was they that failed. */
function failuresWords({ last, failuresInRow }: ListedSchedule): string | null {
  if (failuresInRow === 0) return null;
  return `${plural(failuresInRow, 'failure')} in a row${last === null ? ' of runs by hand' : ''}`;
}

const CHANNELS_NAMED = 3;

function standingWords({ standingChannels = [], standingCount }: ListedSchedule): readonly string[] {
  const [first] = standingChannels;
  if (first === undefined) return [];
  const count = standingCount ?? standingChannels.length;
  const names = standingChannels.slice(0, CHANNELS_NAMED).map(({ branch }) => oneName(branch));
  const more = count > names.length ? ` and ${count - names.length} more` : '';
  const longest = ageWords(Date.now() - Date.parse(first.since));
  return [
    `${count === 1 ? 'a channel stands' : `${count} channels stand`} still (${longest}): ${names.join(', ')}${more}`,
  ];
}

/** Ours begin with that word themselves. */
const pausedWords = (note: string | null): string =>
  note === null ? 'paused' : note.startsWith('paused') ? oneLine(note, 200) : `paused: ${oneLine(note, 200)}`;

/** `2026-11-28 10:35` */
export const minute = (time: string): string => time.slice(0, 16).replace('T', ' ');
