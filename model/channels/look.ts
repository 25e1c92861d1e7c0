import { namedBy } from '../targets/index.js';
import type { ChannelMove } from './move.js';
import { channelOf } from './names.js';

export interface SeenChannel {
  readonly branch: string;
  /** Label of its target; `null` where that cannot be told. */
  readonly target: string | null;
  /** `null` when there is no such branch yet. */
  readonly commit: string | null;
  /** When that commit was made: ISO 8601, UTC. */
  readonly committedAt: string | null;
  /** Commits of main that it does not have; `null` when main does not have its commit, or there is none. */
  readonly behind: number | null;
  /** Why it is not at the newest commit of main; `null` when it is. */
  readonly why: string | null;
  /** Since when it has stood still while main is ahead of it: ISO 8601, UTC; `null` when it does not. */
  readonly since: string | null;
}

/** The channels of a repository as a machine saw them last. It is kept beside the reports. */
export interface ChannelLook {
  /** Display form of the repository. */
  readonly repository: string;
  readonly mainBranch: string;
  /** Template of the names. */
  readonly template: string;
  /** Where main was. */
  readonly main: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly channels: readonly SeenChannel[];
}

/** What a look is told apart by from those at other channels. */
export const lookKey = ({ repository, mainBranch, template }: Omit<ChannelLook, 'main' | 'at' | 'channels'>): string =>
  JSON.stringify([repository, mainBranch, template]);

export interface ToldChannels {
  readonly run: string;
  readonly instance: string;
  readonly channels?: readonly ChannelMove[];
  /** Hosts that the run was not asked for. */
  readonly notAsked?: readonly string[];
}

export const TARGET_GONE = 'its target is gone from the flake: remove the branch, if nobody follows it';

export const LEFT_OUT = 'its target is left out of what is built';

interface Standing {
  readonly channel: string;
  readonly commit: string | null;
  readonly behind: number | null;
  /** Name of the main branch. */
  readonly main: string;
}

/** Why a channel is not at the newest commit of main, as far as reports tell. @param reports newest first */
export function whyBehind({ channel, commit, behind, main }: Standing, reports: readonly ToldChannels[]): string {
  if (commit !== null && behind === null)
    return `${main} does not have its commit (any more): "lockkeeper channels reset" moves it`;
  for (const { channels: moves = [], run } of reports) {
    const move = moves.find(({ branch }) => branch === channel);
    if (move === undefined) continue;
    return move.outcome === 'not-moved'
      ? `${move.reason ?? ''} (${run})`
      : `newer commits of ${main} are not verified yet`;
  }
  return `no run has moved it that this machine has a report of`;
}

/**
 * Targets of channels, as the newest run of each instance named them: a channel that none of them names is that of a target which is gone.
 * A run that was asked for some targets tells nothing about the others, so these are as an earlier one named them.
 * `null` when no run has told of channels.
 * @param reports newest first
 */
export function namedChannels(reports: readonly ToldChannels[]): ReadonlyMap<string, string> | null {
  const named = new Map<string, string>();
  /** By instance, the targets that its runs said nothing about so far. */
  const open = new Map<string, ReadonlySet<string>>();
  for (const { instance, channels = [], notAsked = [] } of reports) {
    if (channels.length === 0) continue;
    const wanted = open.get(instance);
    for (const { branch, target } of channels)
      if ((wanted === undefined || wanted.has(target)) && !named.has(branch)) named.set(branch, target);
    open.set(instance, new Set(notAsked.filter((target) => wanted === undefined || wanted.has(target))));
  }
  return open.size === 0 ? null : named;
}

/**
 * Why a channel stays whose target no run names.
 * @param reports newest first
 */
export function whyUnnamed(channel: string, template: string, reports: readonly ToldChannels[]): string {
  const { notAsked = [] } = reports.find(({ channels = [] }) => channels.length > 0) ?? {};
  const isLeftOut = notAsked.some((label) => channelOf(template, namedBy(label)) === channel);
  return isLeftOut ? LEFT_OUT : TARGET_GONE;
}

/**
 * Targets of channels, as far as this machine knows: as reports name them, and where none tells of channels (those that did are older than the
 * ones that are read), as they were known at the look before. `null` when neither tells.
 * @param reports newest first
 * @param whole what a branch has to match to be a channel
 */
export function knownChannels(
  reports: readonly ToldChannels[],
  before: Pick<ChannelLook, 'channels'> | null,
  whole: RegExp,
): ReadonlyMap<string, string> | null {
  const named = namedChannels(reports);
  if (named !== null) return new Map([...named].filter(([branch]) => whole.test(branch)));
  const known = (before?.channels ?? []).flatMap(({ branch, target }) =>
    target === null ? [] : ([[branch, target]] as const),
  );
  return known.length === 0 ? null : new Map(known);
}
