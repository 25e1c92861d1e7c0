import { formatSize } from '../../../model/text/size.js';
import { formatSeconds } from '../../../model/text/text.js';
import { ownFetchLimits } from '../../command/fetch-limits.js';
import type { Finished } from '../../command/process.js';
import type { NixOptions } from '../run-nix.js';

/** Share of one fetch's time for asking for several inputs, and for one: a whole lock fits into its activity. */
const TOGETHER = 1 / 4;
const ALONE = 1 / 8;

const secondsFor = (inputs: number): number => ownFetchLimits().seconds * (inputs === 1 ? ALONE : TOGETHER);

/**
 * How long Nix may fetch so many inputs, and how much of them. It ends downloads itself that stand still, but not one that is slow for ever,
 * or large without end.
 */
export function boundsFor(inputs: number): Pick<NixOptions, 'limits' | 'timeoutMs'> {
  const { writtenBytes, memoryBytes } = ownFetchLimits();
  return { limits: { writtenBytes, memoryBytes }, timeoutMs: secondsFor(inputs) * 1000 };
}

/** The same for a command that may fetch all inputs of a flake, and evaluates it: how much memory that needs nobody knows. */
export function boundsForAll(): Pick<NixOptions, 'limits' | 'timeoutMs'> {
  const { writtenBytes } = ownFetchLimits();
  return { limits: { writtenBytes }, timeoutMs: secondsFor(ALL) * 1000 };
}

const ALL = Infinity;

/** What a command of `boundsForAll` was ended for; `null` when it ended by itself. */
export const endedWords = ({ exceeded }: Pick<Finished, 'exceeded'>): string | null => exceededWordsOf(exceeded, ALL);

/** Why a command was ended that fetched these inputs; `null` when it ended by itself. */
export const cutOffWords = ({ exceeded }: Pick<Finished, 'exceeded'>, names: readonly string[]): string | null =>
  exceededWordsOf(exceeded, names.length);

function exceededWordsOf(exceeded: Finished['exceeded'], inputs: number): string | null {
  if (exceeded === null) return null;
  const { writtenBytes, memoryBytes } = ownFetchLimits();
  if (exceeded === 'time')
    return `not fetched within ${formatSeconds(secondsFor(inputs))}, so Nix was ended. If upstream is that slow, raise LOCKKEEPER_FETCH_SECONDS for the worker`;
  if (exceeded === 'memory')
    return `too large: Nix needed more than ${formatSize(memoryBytes)} of memory to fetch it. If upstream is that large, raise LOCKKEEPER_FETCH_MEMORY for the worker`;
  return `too large: more than ${formatSize(writtenBytes)} were written for it, so Nix was ended. If upstream is that large, raise LOCKKEEPER_FETCH_SIZE for the worker`;
}
