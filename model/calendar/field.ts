import { BadInput } from '../checks/names.js';
import { YEARS, type Field, type Span } from './types.js';

/** What a field is called in messages, and which values it takes. */
export interface FieldRule {
  readonly name: 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second';
  readonly from: number;
  readonly to: number;
}

export const YEAR: FieldRule = { name: 'year', ...YEARS };
export const MONTH: FieldRule = { name: 'month', from: 1, to: 12 };
export const DAY: FieldRule = { name: 'day', from: 1, to: 31 };
/** Every month has these, counted from its end. */
export const DAY_FROM_END: FieldRule = { name: 'day', from: 1, to: 28 };
export const HOUR: FieldRule = { name: 'hour', from: 0, to: 23 };
export const MINUTE: FieldRule = { name: 'minute', from: 0, to: 59 };
export const SECOND: FieldRule = { name: 'second', from: 0, to: 59 };

/** systemd reads no longer lists. */
const MOST_SPANS = 241;

/** Reads `*`, `1,15` or `0..30/10` and normalises it as systemd does. @param refuse makes the error from a reason */
export function parseField(text: string, rule: FieldRule, refuse: (reason: string) => BadInput): Field {
  if (text === '*') return null;
  const parts = text.split(',');
  if (parts.length > MOST_SPANS) throw refuse(`its list for the ${rule.name} has more than ${MOST_SPANS} entries`);
  const spans = parts.map((part) => normalise(parseSpan(part, rule, refuse)));
  for (const span of spans) checkSpan(span, rule, refuse);
  spans.sort(bySystemd);
  return spans.filter((span, index) => index === 0 || bySystemd(span, spans[index - 1] ?? span) !== 0);
}

function parseSpan(text: string, rule: FieldRule, refuse: (reason: string) => BadInput): Span {
  if (/\d\.\d/.test(text.replaceAll('..', ' '))) {
    throw refuse(
      rule.name === 'second'
        ? `"${text}" has a fraction of a second, and Temporal starts runs on whole seconds`
        : `the ${rule.name} "${text}" is not a whole number`,
    );
  }
  const match = /^(\d{1,9})(?:\.\.(\d{1,9}))?(?:\/(\d{1,9}))?$/.exec(text);
  if (match === null) throw refuse(`the ${rule.name} ${hint(text, rule)}`);
  const [start = 0, stop = null, step = null] = match
    .slice(1)
    .map((digits: string | undefined) => (digits === undefined ? null : Number(digits)));
  if (step === 0) throw refuse(`the ${rule.name} "${text}" repeats every 0`);
  const year = rule.name === 'year' ? fullYear : (value: number) => value;
  return {
    start: year(start ?? 0),
    stop: stop === null ? null : year(stop),
    step: step ?? (stop === null ? null : 1),
  };
}

function hint(text: string, rule: FieldRule): string {
  if (text === '') return 'is empty';
  if (/^\*\/\d+$/.test(text)) return `"${text}" begins with "*": write "${rule.from}${text.slice(1)}"`;
  if (/^\d+-\d+$/.test(text)) return `"${text}" is not a range: write "${text.replace('-', '..')}"`;
  return `"${text}" is not a number, range "a..b" or repetition "a/n"`;
}

/** Two digits are a year from 1970 to 2069. */
const fullYear = (year: number): number => (year >= 100 ? year : year >= 70 ? year + 1900 : year + 2000);

/** A range ends with the last value that its steps reach; a range of one value is that value. */
function normalise(span: Span): Span {
  const { start, step } = span;
  if (span.stop === null || step === null) return span;
  const stop = span.stop > start ? span.stop - ((span.stop - start) % step) : span.stop;
  return stop === start ? { start, stop: null, step: null } : { start, stop, step };
}

function checkSpan({ start, stop, step }: Span, rule: FieldRule, refuse: (reason: string) => BadInput): void {
  const range = rule === DAY_FROM_END ? '1 to 28 before the end of a month' : `${rule.from} to ${rule.to}`;
  for (const value of stop === null ? [start] : [start, stop]) {
    if (value < rule.from || value > rule.to) throw refuse(`the ${rule.name} ${value} is not in ${range}`);
  }
  if (stop !== null && stop < start) throw refuse(`its range of ${rule.name}s ${start}..${stop} runs backwards`);
  if (stop !== null || step === null) return;
  // Days from the end of the month are counted down.
  const reaches = rule === DAY_FROM_END ? start - step >= rule.from : start + step <= rule.to;
  if (!reaches) throw refuse(`the ${rule.name} ${start}/${step} never repeats: leave "/${step}" out`);
}

const bySystemd = (a: Span, b: Span): number =>
  a.start - b.start || (a.stop ?? -1) - (b.stop ?? -1) || (a.step ?? 0) - (b.step ?? 0);

/** All values of a field from `from` to `to`, in order. */
export function valuesOf(field: Field, from: number, to: number): readonly number[] {
  const values = new Set<number>();
  for (const { start, stop, step } of field ?? [{ start: from, stop: to, step: 1 }]) {
    const last = step === null ? start : Math.min(stop ?? to, to);
    for (let value = start; value <= last; value += step ?? 1) if (value >= from && value <= to) values.add(value);
  }
  return [...values].sort((a, b) => a - b);
}

/** Days of a month of `length` days that are meant by a field whose days are counted from the month's end. */
export function daysFromEnd(field: Field, length: number): readonly number[] {
  // A range is turned round: it begins with its earliest day, which is the one farthest from the end.
  const turned = field?.map(({ start, stop, step }) => ({
    start: length + 1 - (stop ?? start),
    stop: stop === null ? null : length + 1 - start,
    step,
  }));
  return valuesOf(turned ?? null, 1, length);
}
