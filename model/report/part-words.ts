import type { Outcome, Report } from './data.js';
import { nameList } from './words.js';
import { requestWords, type RequestWords } from './landed-words.js';
import { oneLine } from '../text/one-line.js';

/** What became of each update of a run that proposes each input by itself: those first that somebody has to look at. */
export const partRows = ({ parts = [] }: Report): readonly PartRow[] =>
  [...parts]
    .sort((one, other) => Number(other.exitStatus === 1) - Number(one.exitStatus === 1))
    .map((part) => {
      const { inputs, outcome, headline, counts, error } = part;
      const [request, ...more] = requestWords({ ...part, closedRequests: [] });
      return {
        outcome,
        inputs: nameList(inputs, 20),
        headline: oneLine(headline, 300),
        request: request ?? null,
        details: [...(error === null ? [counts] : [oneLine(error, 500)]), ...more.map(({ text }) => text)].filter(
          (text) => text !== '',
        ),
        run: oneLine(part.run, 300),
      };
    });

export interface PartRow {
  readonly outcome: Outcome;
  readonly inputs: string;
  readonly headline: string;
  /** Its pull request, or why it has none. */
  readonly request: RequestWords | null;
  readonly details: readonly string[];
  readonly run: string;
}
