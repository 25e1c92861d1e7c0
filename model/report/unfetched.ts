import type { UnfetchedInput } from '../verify/candidate.js';
import { groupBy } from '../text/group-by.js';
import { oneLine } from '../text/one-line.js';

const LISTED = 10;

/** What is said when upstream answered for not one input: `No input could be asked for: alpha, beta (REASON); gamma (REASON).` */
export function noneAskedWords(unfetched: readonly UnfetchedInput[]): string {
  const reasons = [...groupBy(unfetched, ({ reason }) => reason)].slice(0, LISTED).map(([reason, inputs]) => {
    const names = inputs.slice(0, LISTED).map(({ name }) => oneLine(name, 120));
    const more = inputs.length - names.length;
    return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''} (${oneLine(reason, 500)})`;
  });
  return `No input could be asked for, so nothing is known of updates: ${reasons.join('; ')}.`;
}
