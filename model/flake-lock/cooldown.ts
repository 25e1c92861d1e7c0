import type { Cooldown } from '../run/options.js';
import { sameContent } from './content.js';
import { nodesBelow, sourceOf } from './sources.js';
import { textAttribute, type FlakeLock, type LockNode } from './types.js';
import { nodeOfInput, rootInputs } from './walk.js';

/** An input that is not moved to its newest revision, because that is too new. */
export interface WaitingInput {
  readonly name: string;
  /** How old revisions have to be, in seconds. */
  readonly cooldown: number;
  /** Full revision that it moves to instead; `null` when it stays. */
  readonly movesTo: string | null;
  /** How many newer commits of its branch wait; `null` when that is not known. */
  readonly newer: number | null;
  /**
   * Why nothing else is known of it; missing when all is.
   * - `history`: nothing old enough was found; `unread`: its history could not be read
   * - `date`: its newest revision has none
   * - `nested`: it is old enough, but brings along what is not
   */
  readonly unknown?: 'history' | 'unread' | 'date' | 'nested';
}

/** Seconds that revisions of an input have to be old; 0 when they may be new. */
export const cooldownOf = ({ seconds, inputs }: Cooldown, name: string): number =>
  inputs.find(({ input }) => input === name)?.seconds ?? seconds;

/** A commit of a branch, as far as it says when it came. */
export interface DatedCommit {
  readonly revision: string;
  /** Committer's date: seconds since 1970. */
  readonly seconds: number;
}

/** What an input may move to: a revision, or nothing; and how many commits are newer. */
export interface OldEnough {
  readonly revision: string | null;
  readonly newer: number;
}

/**
 * The newest commit of a branch that is old enough, and newer than what is locked.
 * @param history of the branch, the newest commit first
 * @param latest seconds since 1970: newer commits wait
 * @param locked what is locked now; `null` for a new input
 * @returns `null` when the history goes not far enough back to tell
 */
export function oldEnough(
  history: readonly DatedCommit[],
  latest: number,
  locked: DatedCommit | null,
): OldEnough | null {
  const at = history.findIndex(({ seconds }) => seconds <= latest);
  const lockedAt = locked === null ? -1 : history.findIndex(({ revision }) => revision === locked.revision);
  if (lockedAt !== -1 && (at === -1 || at >= lockedAt)) return { revision: null, newer: lockedAt };
  const found = history[at];
  if (found === undefined) return null;
  const goesOn = locked === null || lockedAt !== -1 || found.seconds > locked.seconds;
  return { revision: goesOn ? found.revision : null, newer: at };
}

/** A revision as `oldEnough` compares it; `null` for one without a revision or date. */
export function datedRevision(node: LockNode | null): DatedCommit | null {
  const revision = textAttribute(node?.locked ?? null, 'rev');
  const seconds = node?.locked?.get('lastModified');
  return revision === null || typeof seconds !== 'number' ? null : { revision, seconds };
}

/** Whether something may be locked where revisions have to be of `latest` or older: `flake.nix` names its revision, or it has such a date. */
export function isOldEnough({ locked, original }: LockNode, latest: number): boolean {
  if (textAttribute(original, 'rev') !== null) return true;
  const seconds = locked?.get('lastModified');
  return typeof seconds === 'number' && seconds <= latest;
}

/**
 * Root inputs that bring along something that is too new, or without a date, and that was not there before. What is in a folder of the
 * flake itself is its owner's.
 * @param latest of each input, seconds since 1970; `null` where there is no limit
 */
export function tooNewInputs(
  before: FlakeLock | null,
  after: FlakeLock,
  latest: (name: string) => number | null,
): readonly string[] {
  return rootInputs(after).flatMap(({ name, follows }) => {
    const limit = latest(name);
    if (follows !== null || limit === null) return [];
    const known = before === null ? [] : nodesBelow(before, name);
    const isFine = (node: LockNode): boolean =>
      isOldEnough(node, limit) ||
      (node.locked !== null && sourceOf(node.locked, []).reach === 'inside') ||
      known.some((each) => sameContent(each, node));
    return nodesBelow(after, name).every(isFine) ? [] : [name];
  });
}

/** Why an input has not moved to its newest revision although nothing is known of its history. */
export function unknownAge(
  after: FlakeLock,
  name: string,
  latest: number | null,
): NonNullable<WaitingInput['unknown']> {
  const node = nodeOfInput(after, [name]);
  if (node !== null && latest !== null && isOldEnough(node, latest)) return 'nested';
  return typeof node?.locked?.get('lastModified') === 'number' ? 'history' : 'date';
}
