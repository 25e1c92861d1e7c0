import { markup, type Markup } from './markup.js';

/** A time in UTC, to the minute: `2026-11-21 09:30 UTC`. @throws RangeError for what is not ISO 8601 */
export const dateTime = (iso: string): Markup => {
  const exact = new Date(iso).toISOString();
  return markup`<time datetime="${exact}">${exact.slice(0, 10)} ${exact.slice(11, 16)} UTC</time>`;
};
