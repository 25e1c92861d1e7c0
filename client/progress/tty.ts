import type { WriteStream } from 'node:tty';
import type { Paint } from '../output.js';
import { frame } from './frame.js';
import type { ProgressView, Renderer } from './view.js';
import { width } from './width.js';

const REDRAW_MS = 120;
const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const CLEAR_BELOW = '\x1b[J';
/** Asks the terminal to show everything between the two at once, so that nothing flickers; others ignore it. */
const BEGIN_UPDATE = '\x1b[?2026h';
const END_UPDATE = '\x1b[?2026l';

/** Live picture of a run, drawn over itself, on a terminal. It goes when the run is closed: the report follows it. */
export function ttyRenderer(stream: WriteStream, paint: Paint): Renderer {
  let view: ProgressView | null = null;
  let tick = 0;
  /** Visible lengths of the lines on the screen. */
  let drawn: readonly number[] = [];

  /** Moves to the first line of the last picture. A terminal that became narrower has wrapped its lines. */
  const home = (): string => {
    const columns = stream.columns || 80;
    const rows = drawn.reduce((sum, length) => sum + Math.max(1, Math.ceil(length / columns)), 0);
    return rows > 0 ? `\x1b[${Math.min(rows, stream.rows || 24)}A\r` : '\r';
  };
  const draw = (): void => {
    if (view === null) return;
    const size = { columns: (stream.columns || 80) - 1, rows: Math.max(1, (stream.rows || 24) - 1) };
    const lines = frame(view, size, { paint, tick, now: Date.now() });
    stream.write(
      BEGIN_UPDATE + HIDE_CURSOR + home() + CLEAR_BELOW + lines.map((line) => `${line}\n`).join('') + END_UPDATE,
    );
    drawn = lines.map(visibleLength);
  };
  const timer = setInterval(() => {
    tick += 1;
    draw();
  }, REDRAW_MS);
  const showCursor = (): void => {
    stream.write(SHOW_CURSOR);
  };
  stream.on('resize', draw);
  process.once('exit', showCursor);
  return {
    update: (next) => {
      const first = view === null;
      view = next;
      if (first) draw();
    },
    finish: (report) => {
      clearInterval(timer);
      stream.off('resize', draw);
      process.off('exit', showCursor);
      // A run that goes on without us stays on the screen as it was left.
      stream.write((report === null ? '' : home() + CLEAR_BELOW) + SHOW_CURSOR);
      view = null;
    },
  };
}

// eslint-disable-next-line no-control-regex -- our own colours are what it looks for
const visibleLength = (line: string): number => width(line.replace(/\x1b\[[\d;]*m/g, ''));
