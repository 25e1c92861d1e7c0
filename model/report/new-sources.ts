import type { RefusedInput } from '../verify/candidate.js';
import type { HeldBackInput } from './data.js';
import { shellQuote } from '../text/text.js';

/** What is said of an input whose new revision brings sources that nobody has accepted: a clause, and the way to accept them. */
export function newSourcesReason(sources: readonly string[]): string {
  const flags = sources.map((source) => `--allow-source ${shellQuote(source)}`);
  return (
    `its new revision would fetch from ${sources.join(', ')}, where it did not fetch from before. ` +
    `If that is meant, accept it with ${flags.join(' ')} (allowSources).`
  );
}

/** An input that stays for that. */
export const heldForSources = ({ name, sources, from, to, compareUrl }: RefusedInput): HeldBackInput => ({
  input: name,
  targets: [],
  reason: newSourcesReason(sources),
  newSources: sources,
  revision: from?.revision ?? null,
  newRevision: to?.revision ?? null,
  compareUrl,
});
