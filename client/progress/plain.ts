import type { Paint } from '../../model/report/paint.js';
import { changes, stillAt, type Change } from './changes.js';
import { closedView } from './closed.js';
import type { ProgressView, Renderer } from './view.js';
import { clock } from './words.js';

/** Silence after which one line says that it still works: watchdogs of CI end jobs that say nothing. */
const SILENCE_MS = 60_000;

/** A line for each change, for logs and pipes. */
export function plainRenderer(write: (line: string) => void, paint: Paint): Renderer {
  let before: ProgressView | null = null;
  let spokeAt = Date.now();
  const tell = (view: ProgressView): void => {
    const time = paint.dim(clock(Date.now() - view.startedAt).padStart(7));
    const found = changes(before, view);
    for (const change of found) write(`${time}  ${coloured(change, paint)}`);
    if (found.length > 0) spokeAt = Date.now();
    else if (Date.now() - spokeAt >= SILENCE_MS) {
      write(`${time}  ${paint.dim(stillAt(view))}`);
      spokeAt = Date.now();
    }
    before = view;
  };
  return {
    update: tell,
    finish: (report) => {
      if (before !== null && report !== null) tell(closedView(before, report));
    },
  };
}

function coloured({ kind, text, broken }: Change, paint: Paint): string {
  if (kind === 'problem' || broken) return paint.red(text);
  return kind === 'phase' ? paint.bold(text) : text;
}
