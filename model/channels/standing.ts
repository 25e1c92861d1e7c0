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
  /** The look of the last one: ISO 8601, UTC. Missing when there was none, and in older records. */
  readonly toldAt?: string;
}

/** A channel that people had an alarm of, and that has moved since, or is at main. */
export interface MovingChannel {
  readonly branch: string;
  /** Since when it had stood. */
  readonly since: string;
  /** Where; missing in older records. */
  readonly commit?: string | null;
}

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

export interface ChannelsNews extends DueNews {
  readonly stands: readonly StandingNews[];
  /** Those that were to be said to move, and do not: their target or branch is gone. Missing in older runs. */
  readonly dropped?: readonly MovingChannel[];
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
  const moving = [...(before?.moving ?? []), ...left.map(({ branch, since, commit }) => ({ branch, since, commit }))];
  return { at, limitSeconds, standing, moving: moving.filter(({ branch }) => !still.has(branch)) };
}

/** The middle one of three times, as long as the first is not after the last. */
const between = (lowest: string, wanted: string, highest: string): string => {
  const low = lowest > highest ? highest : lowest;
  if (wanted < low) return low;
  return wanted > highest ? highest : wanted;
};

const DAY_SECONDS = 86_400;

/** How long a channel has stood by a look, in seconds. */
const stoodFor = (since: string, at: string): number => (Date.parse(at) - Date.parse(since)) / 1000;

/**
 * Whether people are to be told of a channel: at the limit, and each time that as long has passed since they were told, but at most once a day.
 * It counts from what they were told, not from what is behind it, so that another limit holds at once.
 */
function isDue({ since, told, toldAt }: StandingChannel, limitSeconds: number, at: string): boolean {
  if (stoodFor(since, at) < limitSeconds) return false;
  return told === 0 || stoodFor(toldAt ?? since, at) >= Math.max(limitSeconds, DAY_SECONDS);
}

/** What people have not been told yet. */
export const dueNews = ({ at, limitSeconds, standing, moving }: ChannelsRecord): DueNews => ({
  stands: standing
    .filter((each) => isDue(each, limitSeconds, at))
    .map(({ branch, commit, since, told }) => ({ branch, commit, since, alarm: told + 1 })),
  moving,
});

/**
 * Which of the channels that are to be said to move do: they are elsewhere than where they stood, or at main. The others count no more because
 * their target or their branch is gone.
 * @param commits where channels are
 */
export function sortMoving(
  moving: readonly MovingChannel[],
  commits: ReadonlyMap<string, string | null>,
  main: string,
): { readonly moving: readonly MovingChannel[]; readonly dropped: readonly MovingChannel[] } {
  const moves = ({ branch, commit: stood }: MovingChannel): boolean => {
    const commit = commits.get(branch) ?? null;
    return commit !== null && (commit === main || commit !== stood);
  };
  return { moving: moving.filter(moves), dropped: moving.filter((each) => !moves(each)) };
}

/** What is known once people were told of what the last look found: safe to repeat. */
export function afterTold(record: ChannelsRecord, { stands, moving }: DueNews): ChannelsRecord {
  const alarms = new Map(stands.map((each) => [each.branch, each]));
  const heard = new Set(moving.map(({ branch }) => branch));
  return {
    ...record,
    standing: record.standing.map((each) => {
      const told = alarms.get(each.branch);
      if (told?.commit !== each.commit || told.alarm <= each.told) return each;
      return { ...each, told: told.alarm, toldAt: record.at };
    }),
    moving: record.moving.filter(({ branch }) => !heard.has(branch)),
  };
}

/** Channels that stand for longer than the limit, the longest first: what `schedules` and `doctor` show. */
export const overLimit = ({ at, limitSeconds, standing }: ChannelsRecord): readonly StandingChannel[] =>
  standing
    .filter(({ since }) => stoodFor(since, at) >= limitSeconds)
    .sort((one, other) => (one.since < other.since ? -1 : 1));
