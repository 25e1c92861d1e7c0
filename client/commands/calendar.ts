import {
  isNearRepeatedHour,
  nextFirings,
  parseCalendar,
  printCalendar,
  toScheduleSpec,
  type CalendarEvent,
} from '../../model/calendar/index.js';
import { BadInput } from '../../model/checks/names.js';
import type { CommandContext } from '../context.js';
import { localTime, timeFrom } from '../terminal/local-time.js';
import { failure, message, result, resultJson } from '../terminal/output.js';
import { pointInTime } from '../terminal/point-in-time.js';

export interface CalendarOptions {
  readonly baseTime?: string;
  readonly iterations: number;
}

interface Outlook {
  readonly expression: string;
  readonly event: CalendarEvent;
  readonly timeZone: string;
  /** Seconds since 1970. */
  readonly firings: readonly number[];
  /** Why no schedule can be made of it, or `null`. */
  readonly refusal: string | null;
}

/** `lockkeeper calendar EXPRESSION…`: the normal form and the next firings, as `systemd-analyze calendar` prints them. */
export function calendar(context: CommandContext, expressions: readonly string[], options: CalendarOptions): number {
  const local = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const now = Date.now() / 1000;
  const after = options.baseTime === undefined ? now : pointInTime(options.baseTime, local, '--base-time');
  const outlooks = expressions.map((expression): Outlook => {
    const event = parseCalendar(expression);
    const timeZone = event.timeZone ?? local;
    const firings = nextFirings([event], { after, count: options.iterations, timeZone });
    return { expression, event, timeZone, firings, refusal: refusalOf(event, timeZone) };
  });
  if (context.json) resultJson(outlooks.map(asJson));
  else result(outlooks.map((outlook) => inWords(outlook, { now, local })).join('\n\n'));
  for (const { refusal } of outlooks) if (refusal !== null) failure(refusal);
  for (const { expression, timeZone, firings } of outlooks) {
    if (firings.some((firing) => isNearRepeatedHour(timeZone, firing))) {
      message(
        `note: clocks in ${timeZone} show an hour twice among the times of "${expression}". There, Temporal takes the ` +
          'second of two equal times or both, and systemd the first (docs/operations.md, "When clocks change").',
      );
    }
  }
  return outlooks.some(({ refusal }) => refusal !== null) ? 1 : 0;
}

function refusalOf(event: CalendarEvent, timeZone: string): string | null {
  try {
    toScheduleSpec([event], { timeZone });
    return null;
  } catch (error) {
    if (error instanceof BadInput) return error.message;
    throw error;
  }
}

const asJson = ({ expression, event, timeZone, firings, refusal }: Outlook): unknown => ({
  expression,
  normalized: printCalendar(event),
  timeZone,
  firings: firings.map((firing) => ({
    at: new Date(firing * 1000).toISOString(),
    nearRepeatedHour: isNearRepeatedHour(timeZone, firing),
  })),
  refusal,
});

/** The lines of `systemd-analyze calendar`, with its columns. */
function inWords({ expression, event, firings }: Outlook, { now, local }: { now: number; local: string }): string {
  const normalised = printCalendar(event);
  const line = (label: string, text: string): string => `${label.padStart(15)}: ${text}`;
  const firing = (at: number, index: number): readonly string[] => [
    line(index === 0 ? 'Next elapse' : `Iter. #${index + 1}`, localTime(at, local)),
    ...(local === 'UTC' ? [] : [line('(in UTC)', localTime(at, 'UTC'))]),
    line('From now', timeFrom(now, at)),
  ];
  return [
    ...(normalised === expression ? [] : [line('Original form', expression)]),
    line('Normalized form', normalised),
    ...(firings.length === 0 ? [line('Next elapse', 'never')] : firings.flatMap(firing)),
  ].join('\n');
}
