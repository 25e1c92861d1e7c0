import { landingIntent } from '../../model/landing/index.js';
import type { RunOptions } from '../../model/run/options.js';
import { shellQuote } from '../../model/text/text.js';

/** What a run that starts now is about to do, as a sentence. */
export function plan(options: RunOptions): string {
  const intent = landingIntent(options, new Date());
  return `${intent.charAt(0).toUpperCase()}${intent.slice(1)}.`;
}

/** This very command: run again it attaches, and brings a worker if there is none. */
export const sameCommand = (): string => ['lockkeeper', ...process.argv.slice(2).map(shellQuote)].join(' ');
