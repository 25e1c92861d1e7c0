/**
 * One entry of a list such as `1..7/2`: `start`, then every `step` up to `stop`. Without `stop` the steps go on to the end of
 * the field; without `step` it is `start` alone. Of days from the end of a month, 1 is the last one.
 */
export interface Span {
  readonly start: number;
  readonly stop: number | null;
  readonly step: number | null;
}

/** The values that one field may take; `null` is `*`, any value. In systemd's order, without doubles. */
export type Field = readonly Span[] | null;

/** A calendar event in systemd's normal form. A second in time belongs to it when every field holds it. */
export interface CalendarEvent {
  /** 0 is Monday, 6 is Sunday; in order. `null` is any day. */
  readonly weekdays: readonly number[] | null;
  readonly year: Field;
  readonly month: Field;
  readonly day: Field;
  /** Whether days are counted from the end of the month (`~`). */
  readonly fromMonthEnd: boolean;
  readonly hour: Field;
  readonly minute: Field;
  readonly second: Field;
  /** Name in the tz database, or `null` where the event leaves it to whoever reads it. */
  readonly timeZone: string | null;
}

/** Years that systemd knows. */
export const YEARS = { from: 1970, to: 2199 } as const;
