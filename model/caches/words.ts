import { groupBy } from '../text/group-by.js';
import { oneLine } from '../text/one-line.js';
import { formatSize } from '../text/size.js';
import type { CacheOutcome, UploadOutcome } from './outcome.js';

export const OUTCOME_WORDS: Readonly<Record<UploadOutcome, string>> = {
  uploaded: 'uploaded',
  'nothing-to-do': 'nothing to do',
  failed: 'failed',
};

/** What became of a target's uploads, for a table: `file:///srv/cache: uploaded; …` */
export const outcomesWords = (outcomes: readonly CacheOutcome[] | undefined): string =>
  (outcomes ?? [])
    .map(({ cache, outcome, reason }) =>
      oneLine(`${cache}: ${OUTCOME_WORDS[outcome]}${reason === null ? '' : `: ${reason}`}`),
    )
    .join('; ');

/** Targets of which the same became at one cache. */
export interface CacheRow {
  readonly cache: string;
  readonly outcome: UploadOutcome;
  /** Such as `not required, 12 paths, 1.5 MiB`, or why it failed. */
  readonly detail: string;
  readonly targets: readonly string[];
}

/** What became of all uploads, in the order of the caches; those that failed each with its reason. */
export function cacheRows(
  targets: readonly { readonly name: string; readonly caches?: readonly CacheOutcome[] }[],
): readonly CacheRow[] {
  const all = targets.flatMap(({ name, caches = [] }) => caches.map((outcome) => ({ name, ...outcome })));
  const groups = [...groupBy(all, ({ cache, outcome, reason }) => JSON.stringify([cache, outcome, reason])).values()];
  const order = [...new Set(all.map(({ cache }) => cache))];
  return groups
    .flatMap((group) => {
      const [first] = group;
      if (first === undefined) return [];
      const { cache, outcome, required, reason } = first;
      const copied = group.reduce((sum, { paths }) => sum + paths, 0);
      const bytes = group.reduce((sum, each) => sum + each.bytes, 0);
      const details = [
        required ? '' : 'not required',
        reason === null ? '' : oneLine(reason, 500),
        outcome === 'uploaded' && copied > 0
          ? `${copied} ${copied === 1 ? 'path' : 'paths'}, ${formatSize(bytes)}`
          : '',
      ];
      const detail = details.filter((each) => each !== '').join(', ');
      return [{ cache: oneLine(cache), outcome, detail, targets: group.map(({ name }) => name) }];
    })
    .sort((one, other) => order.indexOf(one.cache) - order.indexOf(other.cache));
}
