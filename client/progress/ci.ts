import { oneLine } from '../../model/text/one-line.js';
import { stripControl } from '../../model/text/text.js';
import { changes, stillAt } from './changes.js';
import { closedView } from './closed.js';
import type { ProgressView, Renderer } from './view.js';
import { clock } from './words.js';

const SILENCE_MS = 60_000;

/**
 * A line for each change, one log group for each phase, and in the end one for the log of each broken target. The
 * groups are written as GitHub's and Forgejo's runners read them; elsewhere they are just lines.
 */
export function ciRenderer(write: (line: string) => void): Renderer {
  let before: ProgressView | null = null;
  let open = false;
  let spokeAt = Date.now();
  const close = (): void => {
    if (open) write('::endgroup::');
    open = false;
  };
  const group = (title: string): void => {
    close();
    write(`::group::${title}`);
    open = true;
  };
  const line = (text: string): void => {
    write(harmless(text));
    spokeAt = Date.now();
  };
  const tell = (view: ProgressView): void => {
    const time = clock(Date.now() - view.startedAt).padStart(7);
    for (const { kind, text } of changes(before, view)) {
      if (kind === 'phase') group(text);
      else line(`${time}  ${text}`);
    }
    if (Date.now() - spokeAt >= SILENCE_MS) line(`${time}  ${stillAt(view)}`);
    before = view;
  };
  return {
    update: tell,
    finish: (report) => {
      if (before !== null && report !== null) tell(closedView(before, report));
      close();
      for (const target of report?.targets ?? []) {
        if (target.verdict === 'built' || target.logTail === null) continue;
        group(`log of ${oneLine(target.name)}`);
        for (const text of stripControl(target.logTail).split('\n')) line(text);
        close();
      }
    },
  };
}

/** Runners take lines that begin with `::` (after white space), and `##[` anywhere, for commands: builds must not give any. */
const harmless = (text: string): string => `| ${stripControl(text).replaceAll('##[', '## [')}`;
