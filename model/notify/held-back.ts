import type { HeldBackInput, Report } from '../report/data.js';
import { heldBackWords, stayWords } from '../report/held-back-words.js';
import { oneLine } from '../text/one-line.js';

/** Why an input is held back, in one line. */
export function heldBackLine(held: HeldBackInput, report: Report): string {
  const stays = stayWords(held);
  const words = oneLine(heldBackWords(held, report), 300);
  return `${held.overdue === true ? '⏰ ' : ''}held back: ${words}${stays === null ? '' : ` (${stays})`}`;
}
