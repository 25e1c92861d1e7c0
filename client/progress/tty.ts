import type { WriteStream } from 'node:tty';
import type { Paint } from '../../model/report/paint.js';
import { frame, type FrameSize } from './frame.js';
import { createScreen } from './screen.js';
import type { ProgressView, Renderer } from './view.js';

const REDRAW_MS = 120;
const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
/** Terminals measure some characters differently: a line that is too long for one is cut, and takes one row all the same. */
const NO_WRAP = '\x1b[?7l';
const WRAP = '\x1b[?7h';
/** Asks the terminal to show everything between the two at once, so that nothing flickers; others ignore it. */
const BEGIN_UPDATE = '\x1b[?2026h';
const END_UPDATE = '\x1b[?2026l';

/** Live picture of a run, drawn over itself, on a terminal. It goes when the run is closed: the report follows it. */
export function ttyRenderer(stream: WriteStream, paint: Paint): Renderer {
  const screen = createScreen();
  let view: ProgressView | null = null;
  let tick = 0;

  const size = (): FrameSize => ({ columns: stream.columns || 80, rows: stream.rows || 24 });
  const show = (lines: readonly string[]): void => {
    const pieces = screen.draw(lines, size());
    if (pieces.length === 0) return;
    for (const piece of [BEGIN_UPDATE + HIDE_CURSOR + NO_WRAP, ...pieces, WRAP + END_UPDATE]) stream.write(piece);
  };
  const draw = (): void => {
    if (view === null) return;
    const { columns, rows } = size();
    const room = { columns: columns - 1, rows: rows - 1 };
    show(room.rows < 1 ? [] : frame(view, room, { paint, tick, now: Date.now() }));
  };
  /** The shell has written something since, and may have shown the cursor. */
  const resume = (): void => {
    screen.startAnew();
    draw();
  };
  const timer = setInterval(() => {
    tick += 1;
    draw();
  }, REDRAW_MS);
  const showCursor = (): void => {
    stream.write(SHOW_CURSOR);
  };
  stream.on('resize', draw);
  process.on('SIGCONT', resume);
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
      process.off('SIGCONT', resume);
      process.off('exit', showCursor);
      // A run that goes on without us stays on the screen as it was left.
      if (report !== null) show([]);
      showCursor();
      view = null;
    },
  };
}
