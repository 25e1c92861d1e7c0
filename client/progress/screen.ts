import type { FrameSize } from './frame.js';
import { rowsOf } from './width.js';

const CLEAR_REST = '\x1b[K';
/** Never used in the first row: there it clears the page, and terminals put a page that is cleared into their history. */
const CLEAR_BELOW = '\x1b[J';
const DOWN = '\x1b[B\r';
const up = (rows: number): string => (rows > 0 ? `\x1b[${rows}A\r` : '\r');

/** Lines on a terminal that are drawn over themselves. The cursor rests in the row below them. */
export interface Screen {
  /**
   * What to write to have these lines in place of those before: only lines that changed, nothing if none did.
   * @param lines each of them at most `size.columns` wide, and fewer than `size.rows`, so that nothing scrolls
   */
  draw(lines: readonly string[], size: FrameSize): string;
  /** From now on they begin at the cursor: something else was written. */
  startAnew(): void;
}

export function createScreen(): Screen {
  let drawn: readonly string[] = [];
  let drawnAt: FrameSize | null = null;
  /** Lines that a terminal which became smaller has scrolled out; one that grows again may bring them back. */
  let scrolledOut: readonly string[] = [];

  /** As `draw` in a terminal of another size: it has broken the lines anew, and scrolled those out that did not fit. */
  function drawAll(lines: readonly string[], size: FrameSize): string {
    const before = [...scrolledOut, ...drawn];
    const rows = before.map((line) => rowsOf(line, size.columns));
    const taken = rows.reduce((sum, each) => sum + each, 0);
    const visible = Math.min(taken, size.rows - 1);
    scrolledOut = before.slice(0, fitting(rows, taken - visible));
    const home = up(visible);
    const rest = lines.length > 0 ? CLEAR_BELOW : visible > 0 ? `${CLEAR_REST}${DOWN}${CLEAR_BELOW}${up(1)}` : '';
    return home + lines.map((line) => `${line}${CLEAR_REST}\n`).join('') + rest;
  }

  return {
    draw: (lines, size) => {
      const resized = drawnAt !== null && (drawnAt.columns !== size.columns || drawnAt.rows !== size.rows);
      const update = resized ? drawAll(lines, size) : drawOver(drawn, lines);
      drawn = lines;
      drawnAt = size;
      return update;
    },
    startAnew: () => {
      drawn = [];
      scrolledOut = [];
    },
  };
}

/** Between two lines that are there the cursor moves down, which unlike a line feed never scrolls. */
function drawOver(before: readonly string[], lines: readonly string[]): string {
  const first = lines.findIndex((line, index) => line !== before[index]);
  if (first === -1 && lines.length === before.length) return '';
  const from = first === -1 ? lines.length : first;
  const over = before
    .slice(from)
    .map((line, index) => {
      const next = lines[from + index];
      return (next === line ? '' : `${next ?? ''}${CLEAR_REST}`) + DOWN;
    })
    .join('');
  const added = lines.slice(Math.max(from, before.length)).map((line) => `${line}\n`);
  const back = before.length > lines.length ? up(before.length - lines.length) : '';
  return up(before.length - from) + over + added.join('') + back;
}

/** How many of these, from the first on, have no more than `rows` together. */
function fitting(heights: readonly number[], rows: number): number {
  let sum = 0;
  const over = heights.findIndex((height) => (sum += height) > rows);
  return over === -1 ? heights.length : over;
}
