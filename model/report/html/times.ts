import { markup, type Markup } from './markup.js';

/**
 * A time in UTC, to the minute: `2026-11-21 09:30 UTC`.
 * @param iso ISO 8601
 * @throws RangeError when it is not a time
 */
export const dateTime = (iso: string): Markup => {
  const exact = new Date(iso).toISOString();
  return markup`<time datetime="${exact}">${exact.slice(0, 10)} ${exact.slice(11, 16)} UTC</time>`;
};
