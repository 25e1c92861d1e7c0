/** A channel that main is ahead of, as one look sees it. */
export interface BehindChannel {
  readonly branch: string;
  /** Where it is; `null` when it has never been made. */
  readonly commit: string | null;
  /** When the oldest commit of main was made that it does not have (ISO 8601, UTC); `null` when that cannot be told. */
  readonly passedAt: string | null;
}

/** A channel that stays where it is while main is ahead of it. */
export interface StandingChannel {
  readonly branch: string;
  readonly commit: string | null;
  /** Since when: main was not ahead of it before, or it was elsewhere. ISO 8601, UTC. */
  readonly since: string;
  /** How many alarms people have had of it. */
  readonly told: number;
}

/** A channel that people had an alarm of, and that has moved since, or is at main. */
export interface MovingChannel {
  readonly branch: string;
  /** Since when it had stood. */
  readonly since: string;
}

/** What the record of an instance keeps of its channels from one look to the next. */
export interface ChannelsRecord {
  /** When they were looked at last: ISO 8601, UTC. */
  readonly at: string;
  readonly limitSeconds: number;
  readonly standing: readonly StandingChannel[];
  /** Those of which people have still to hear that they move again. */
  readonly moving: readonly MovingChannel[];
}

/** What one look finds. */
export interface ChannelsSeen extends Pick<ChannelsRecord, 'at' | 'limitSeconds'> {
  readonly behind: readonly BehindChannel[];
}

/** Which alarm it is that people are to have of a channel: 1 is the first. */
export type DueChannel = Pick<StandingChannel, 'branch' | 'commit' | 'since'> & { readonly alarm: number };

/** What people are to be told after a look. */
export interface DueNews {
  readonly stands: readonly DueChannel[];
  readonly moving: readonly MovingChannel[];
}

/** What the record of an instance answers to a look. */
export interface ChannelsNoted {
  readonly due: DueNews;
  readonly standing: readonly Pick<StandingChannel, 'branch' | 'since'>[];
}

/** A channel of which people are to have an alarm, with what was seen of it. */
export interface StandingNews extends DueChannel {
  /** Commits of main that it does not have; `null` when main does not have its commit, or there is none. */
  readonly behind: number | null;
  readonly why: string | null;
}

/** What people are told of the channels of an instance. */
export interface ChannelsNews extends DueNews {
  readonly stands: readonly StandingNews[];
}

/**
 * What is known of channels after a look. A channel stands still since main went past it, not since it was last moved: while nobody
 * pushes it may be as old as it likes. The date of a commit may be older than its push, so it counts no further back than to the look before,
 * where the channel was elsewhere or main was not ahead. Another look of the same time changes nothing.
 */
export function afterLook(
  before: ChannelsRecord | undefined,
  { at, limitSeconds, behind }: ChannelsSeen,
): ChannelsRecord {
  const known = new Map(before?.standing.map((each) => [each.branch, each]));
  const standing = behind.map(({ branch, commit, passedAt }): StandingChannel => {
    const same = known.get(branch);
    if (same?.commit === commit) return same;
    return { branch, commit, since: between(before?.at ?? '', passedAt ?? at, at), told: 0 };
  });
  const still = new Set(standing.filter(({ told }) => told > 0).map(({ branch }) => branch));
  const left = (before?.standing ?? []).filter(({ branch, told }) => told > 0 && !still.has(branch));
  const moving = [...(before?.moving ?? []), ...left.map(({ branch, since }) => ({ branch, since }))];
  return { at, limitSeconds, standing, moving: moving.filter(({ branch }) => !still.has(branch)) };
}

/** The middle one of three times, as long as the first is not after the last. */
const between = (lowest: string, wanted: string, highest: string): string => {
  const low = lowest > highest ? highest : lowest;
  if (wanted < low) return low;
  return wanted > highest ? highest : wanted;
};

const DAY_SECONDS = 86_400;

/** How many alarms a channel deserves by now: one at the limit, and another each time that as long has passed, but at most one a day. */
function alarmsBy(since: string, limitSeconds: number, at: string): number {
  const beyond = (Date.parse(at) - Date.parse(since)) / 1000 - limitSeconds;
  return beyond < 0 ? 0 : 1 + Math.floor(beyond / Math.max(limitSeconds, DAY_SECONDS));
}

/** What people have not been told yet. */
export const dueNews = ({ at, limitSeconds, standing, moving }: ChannelsRecord): DueNews => ({
  stands: standing.flatMap(({ told, ...channel }) => {
    const alarm = alarmsBy(channel.since, limitSeconds, at);
    return alarm > told ? [{ ...channel, alarm }] : [];
  }),
  moving,
});

/** What is known once people were told: safe to repeat. */
export function afterTold(record: ChannelsRecord, { stands, moving }: DueNews): ChannelsRecord {
  const alarms = new Map(stands.map((each) => [each.branch, each]));
  const heard = new Set(moving.map(({ branch }) => branch));
  return {
    ...record,
    standing: record.standing.map((each) => {
      const told = alarms.get(each.branch);
      return told?.commit !== each.commit ? each : { ...each, told: Math.max(each.told, told.alarm) };
    }),
    moving: record.moving.filter(({ branch }) => !heard.has(branch)),
  };
}

/** Channels that stand for longer than the limit, the longest first: what `schedules` and `doctor` show. */
export const overLimit = ({ at, limitSeconds, standing }: ChannelsRecord): readonly StandingChannel[] =>
  standing
    .filter(({ since }) => alarmsBy(since, limitSeconds, at) > 0)
    .sort((one, other) => (one.since < other.since ? -1 : 1));
