import type { FrameSize } from './frame.js';
import { rowsOf } from './width.js';

const CLEAR_REST = '\x1b[K';
/** Never used in the first row: there it clears the page, and terminals put a page that is cleared into their history. */
const CLEAR_BELOW = '\x1b[J';
/** To the first column of a row above or below. Unlike a line feed it never scrolls, and no terminal driver translates it. */
const up = (rows: number): string => (rows > 0 ? `\x1b[${rows}F` : '');
const down = (rows: number): string => (rows > 0 ? `\x1b[${rows}E` : '');

/**
 * Characters that one piece has at most. A terminal that becomes smaller removes what is below the cursor, so a change of
 * size must not meet a cursor that is on its way: a piece is short enough to be read by the terminal at once.
 */
const PIECE = 500;

/** Lines on a terminal that are drawn over themselves. The cursor rests in the row below them. */
export interface Screen {
  /**
   * What to write to have these lines in place of those before: only lines that changed, nothing if none did.
   * The cursor rests between the pieces, so that each is to be written by itself.
   * @param lines each of them at most `size.columns` wide, and fewer than `size.rows`, so that nothing scrolls
   */
  draw(lines: readonly string[], size: FrameSize): readonly string[];
  /** From now on they begin at the cursor: something else was written. */
  startAnew(): void;
}

export function createScreen(): Screen {
  let drawn: readonly string[] = [];
  let drawnAt: FrameSize | null = null;
  /** Lines that a terminal which became smaller has scrolled out; one that grows again may bring them back. */
  let scrolledOut: readonly string[] = [];

  /** As `draw` in a terminal of another size: it has broken the lines anew, and scrolled those out that did not fit. */
  function drawAll(lines: readonly string[], size: FrameSize): readonly string[] {
    const before = [...scrolledOut, ...drawn];
    const rows = before.map((line) => rowsOf(line, size.columns));
    const taken = rows.reduce((sum, each) => sum + each, 0);
    const visible = Math.min(taken, size.rows - 1);
    scrolledOut = before.slice(0, fitting(rows, taken - visible));
    const rest = lines.length > 0 ? CLEAR_BELOW : visible > 0 ? `${CLEAR_REST}${down(1)}${CLEAR_BELOW}${up(1)}` : '';
    // Line feeds scroll what a terminal that becomes smaller meanwhile has no room for, so that no line is missing above the cursor.
    const piece = up(visible) + lines.map((line) => `\r${line}${CLEAR_REST}\n`).join('') + rest;
    return piece === '' ? [] : [piece];
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

function drawOver(before: readonly string[], lines: readonly string[]): readonly string[] {
  const pieces: string[] = [];
  const resting = before.length;
  let piece = '';
  let row = resting;
  const rest = (): void => {
    if (piece !== '') pieces.push(piece + down(resting - row));
    piece = '';
    row = resting;
  };
  before.forEach((line, index) => {
    const next = lines[index] ?? '';
    if (next === line) return;
    if (piece.length + next.length > PIECE) rest();
    piece += up(row - index) + down(index - row) + next + CLEAR_REST;
    row = index;
  });
  rest();
  const added = lines.slice(resting).map((line) => `\r${line}\n`);
  if (added.length > 0) pieces.push(added.join(''));
  if (resting > lines.length) pieces.push(up(resting - lines.length));
  return pieces;
}

/** How many of these, from the first on, have no more than `rows` together. */
function fitting(heights: readonly number[], rows: number): number {
  let sum = 0;
  const over = heights.findIndex((height) => (sum += height) > rows);
  return over === -1 ? heights.length : over;
}
