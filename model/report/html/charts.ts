import { markup, type Markup } from './markup.js';

/**
 * Charts as SVG without text: what they show stands beside them, in words that are as large on a telephone as on a wall. They take the
 * width that they are given, and their colours from the style of the page.
 */

/** A bar of some share of the width, with a darker part in it where `part` is given. Both from 0 to 1. */
export function bar(share: number, part = 0): Markup {
  const [whole, inner] = [share, part].map((each) => round(Math.min(1, Math.max(0, each)) * 100));
  return markup`<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="bar-whole" width="${whole ?? 0}" height="8" /><rect class="bar-part" width="${inner ?? 0}" height="8" /></svg>`;
}

/** A line through values in the order of time, the newest one marked; `null` where there are not two. Its scale goes from the least to the greatest value. */
export function line(values: readonly number[]): Markup | null {
  if (values.length < 2) return null;
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const y = (value: number): number => round(most === least ? 15 : 27 - ((value - least) / (most - least)) * 24);
  const x = (index: number): number => round(1 + (index / (values.length - 1)) * 97);
  const points = values.map((value, index) => `${x(index)} ${y(value)}`);
  return markup`<svg class="line" viewBox="0 0 100 30" preserveAspectRatio="none" aria-hidden="true"><path d="M${points.join('L')}" /><path class="newest" d="M${points.at(-1) ?? ''}h0" /></svg>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;
