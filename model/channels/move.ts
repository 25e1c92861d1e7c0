import { oneLine, oneName } from '../text/one-line.js';

/**
 * What became of a target's channel.
 * - `moved`: it names the verified commit now; it was made if it was nowhere before
 * - `there`: it names that commit already
 * - `past`: it names a newer commit of main
 * - `not-moved`: see `reason`
 */
export const CHANNEL_OUTCOMES = ['moved', 'there', 'past', 'not-moved'] as const;

export interface ChannelMove {
  /** Label of the target. */
  readonly target: string;
  readonly branch: string;
  readonly outcome: (typeof CHANNEL_OUTCOMES)[number];
  /** The commit that it was at; `null` when there was no such branch, or when nobody looked. */
  readonly from: string | null;
  /** The verified commit. */
  readonly to: string;
  /** Why it was not moved, as a sentence without its subject. */
  readonly reason?: string;
  /** The verified commit, or that of the channel, which main does not have, so that nothing moves: main was force-pushed, or the branch is somebody's. */
  readonly lost?: string;
}

const short = (commit: string): string => oneLine(commit).slice(0, 12);

/** What became of a channel, without its name: `1a2b3c4d5e6f → 9f8e7d6c5b4a`. */
export function channelWords({ outcome, from, to, reason = '' }: ChannelMove): string {
  switch (outcome) {
    case 'moved':
      return from === null ? `made at ${short(to)}` : `${short(from)} → ${short(to)}`;
    case 'there':
      return `at ${short(to)} already`;
    case 'past':
      return `at ${short(from ?? '')}, which is newer`;
    case 'not-moved':
      return `${from === null ? 'not moved' : `stays at ${short(from)}`}: ${oneLine(reason, 500)}`;
  }
}

/** `2 channels moved, 1 did not`; empty when there are no channels. */
export function channelCounts(channels: readonly ChannelMove[]): string {
  if (channels.length === 0) return '';
  const count = (...outcomes: readonly ChannelMove['outcome'][]): number =>
    channels.filter(({ outcome }) => outcomes.includes(outcome)).length;
  const [moved, fresh, not] = [count('moved'), count('there', 'past'), count('not-moved')];
  return [
    `${moved} of ${channels.length} channel${channels.length === 1 ? '' : 's'} moved`,
    ...(fresh === 0 ? [] : [`${fresh} there before`]),
    ...(not === 0 ? [] : [`${not} not moved`]),
  ].join(', ');
}

/** What somebody has to look at: main lost commits that channels stand at; `null` when it did not. */
export function lostWords(channels: readonly ChannelMove[]): string | null {
  const lost = channels.filter((each) => each.lost !== undefined);
  const [first] = lost;
  if (first === undefined) return null;
  const names = lost.slice(0, 5).map(({ branch }) => oneName(branch));
  const more = lost.length > names.length ? ` and ${lost.length - names.length} more` : '';
  // A channel at a commit that main lacks may be somebody's branch, or was moved by somebody.
  const about =
    first.lost === first.to
      ? `The main branch was force-pushed: it does not have commit ${short(first.to)} any more. `
      : `The main branch does not have commit ${short(first.lost ?? '')}: it was force-pushed, or somebody else moved the channel. `;
  return about + `These channels were not moved: ${names.join(', ')}${more}. No channel goes back by itself.`;
}
