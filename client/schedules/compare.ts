import { isDeepStrictEqual } from 'node:util';
import type { CalendarSpec, ScheduleDescription } from '@temporalio/client';
import type { Desired } from './desired.js';

/** What of a schedule differs from what it should be, in words; empty when nothing does. */
export function differences(desired: Desired, found: ScheduleDescription): readonly string[] {
  const { spec, policies, action } = desired;
  const compared: readonly (readonly [what: string, wanted: unknown, is: unknown])[] = [
    ['times', calendars(spec.calendars), calendars(found.spec.calendars)],
    ['times', [[], []], [found.spec.intervals ?? [], found.spec.skip ?? []]],
    ['time zone', spec.timezone, found.spec.timezone],
    ['random delay', spec.jitter ?? 0, found.spec.jitter ?? 0],
    ['catch-up', policies.catchupWindow, found.policies.catchupWindow],
    ['overlap', policies.overlap, found.policies.overlap],
    ['overlap', policies.pauseOnFailure, found.policies.pauseOnFailure],
    ['workflow', action.workflowType, found.action.workflowType],
    ['workflow', action.workflowId, found.action.workflowId],
    ['task queue', action.taskQueue, found.action.taskQueue],
    ['options', plain(action.args), plain(found.action.args)],
    ['options', plain(action.memo), plain(found.action.memo)],
  ];
  return [...new Set(compared.filter(([, wanted, is]) => !isDeepStrictEqual(wanted, is)).map(([what]) => what))];
}

/** As it comes back from the server: without fields that are `undefined`. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null)) as unknown;

/** How the server writes "any value" of each field. */
const ANY = {
  second: '0-59/1',
  minute: '0-59/1',
  hour: '0-23/1',
  dayOfMonth: '1-31/1',
  month: 'JANUARY-DECEMBER/1',
  year: '',
  dayOfWeek: 'SUNDAY-SATURDAY/1',
} as const satisfies Partial<Record<keyof CalendarSpec, string>>;

interface AnyRange {
  readonly start: unknown;
  readonly end?: unknown;
  readonly step?: number;
}

/** Calendars in one spelling, whoever wrote them. */
function calendars(specs: readonly CalendarSpec[] | undefined): readonly string[] {
  const fields = Object.keys(ANY) as (keyof typeof ANY)[];
  return (specs ?? []).map((spec) =>
    [
      ...fields.map((field) => spelled(spec[field] as '*' | readonly AnyRange[] | undefined, ANY[field])),
      spec.comment ?? '',
    ].join(' '),
  );
}

function spelled(value: '*' | readonly AnyRange[] | undefined, any: string): string {
  if (value === undefined || value === '*') return any;
  return value
    .map(({ start, end = start, step = 1 }) => `${String(start)}-${String(end)}/${start === end ? 1 : step}`)
    .join(',');
}
