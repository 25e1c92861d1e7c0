import { overLimit, type ChannelsRecord } from '../channels/standing.js';
import { isFailure, type Outcome } from '../report/data.js';

/**
 * What is kept of an instance for as long as it is configured: closed runs go when the server's retention says so, and an instance
 * that never runs has none. It is the argument of the open workflow `recordInstance`, one for each instance.
 */
export interface InstanceRecord {
  readonly instance: string;
  /** When the record was begun: ISO 8601. */
  readonly since: string;
  /** Failures since the last success. */
  readonly failures: number;
  /** End of the last run that succeeded: ISO 8601; `null` when there was none. */
  readonly lastSuccess: string | null;
  /** The latest ends, oldest first, each with the failures up to it: an end that is told again counts once. */
  readonly counted: readonly { readonly run: string; readonly failures: number }[];
  /** What is known of its channels; missing where nobody looks at them. */
  readonly channels?: ChannelsRecord;
}

export interface RunEnd {
  /** Workflow id. */
  readonly run: string;
  readonly outcome: Outcome;
  /** ISO 8601. */
  readonly endedAt: string;
}

/** Repeats come seconds or minutes after the end that they repeat, not runs later. */
const REMEMBERED = 20;

export const newRecord = (instance: string, now: Date): InstanceRecord => ({
  instance,
  since: now.toISOString(),
  failures: 0,
  lastSuccess: null,
  counted: [],
});

/** Outcomes that show that an instance does its work; the others are failures, or somebody's decision. */
const isSuccess = (outcome: Outcome): boolean =>
  outcome === 'landed' || outcome === 'verified' || outcome === 'unchanged';

/** The record after a run has ended; as it was when that end was counted before. What a person stopped counts as nothing. */
export function afterEnd(record: InstanceRecord, { run, outcome, endedAt }: RunEnd): InstanceRecord {
  if (record.counted.some((each) => each.run === run)) return record;
  const failures = isSuccess(outcome) ? 0 : record.failures + (isFailure(outcome) ? 1 : 0);
  return {
    ...record,
    failures,
    lastSuccess: isSuccess(outcome) ? endedAt : record.lastSuccess,
    counted: [...record.counted.slice(1 - REMEMBERED), { run, failures }],
  };
}

/** Failures in a row up to a run, whatever has ended since. */
export const failuresUpTo = ({ counted, failures }: InstanceRecord, run: string): number =>
  counted.find((each) => each.run === run)?.failures ?? failures;

/** What the memo of a record shows of it, so that it can be read without a worker. */
export const recordMemo = ({
  instance,
  since,
  failures,
  lastSuccess,
  channels,
}: InstanceRecord): Record<string, unknown> => ({
  ...{ instance, since, failures, lastSuccess },
  ...(channels !== undefined && { standing: shownStanding(channels) }),
});

/** A memo has little room. */
const STANDING_SHOWN = 50;

const shownStanding = (channels: ChannelsRecord): ShownStanding => {
  const over = overLimit(channels);
  return {
    at: channels.at,
    count: over.length,
    channels: over.slice(0, STANDING_SHOWN).map(({ branch, since }) => ({ branch, since })),
  };
};

/** The channels that stood for too long when they were looked at last. */
export interface ShownStanding {
  /** When that was: ISO 8601, UTC. */
  readonly at: string;
  readonly count: number;
  /** The longest first; not all of them where they are many. */
  readonly channels: readonly { readonly branch: string; readonly since: string }[];
}

export interface ShownRecord {
  readonly instance: string;
  readonly since: string;
  readonly failures: number;
  readonly lastSuccess: string | null;
  /** Missing where nobody looks at channels. */
  readonly standing?: ShownStanding;
}

/** A record's memo, read; `null` when it is another workflow's. */
export function readRecordMemo(memo: Readonly<Record<string, unknown>> | undefined): ShownRecord | null {
  const { instance, since, failures, lastSuccess, standing } = memo ?? {};
  if (typeof instance !== 'string' || typeof since !== 'string' || typeof failures !== 'number') return null;
  return {
    ...{ instance, since, failures, lastSuccess: typeof lastSuccess === 'string' ? lastSuccess : null },
    ...(isShownStanding(standing) && { standing }),
  };
}

const isShownStanding = (value: unknown): value is ShownStanding =>
  typeof value === 'object' &&
  value !== null &&
  'at' in value &&
  typeof value.at === 'string' &&
  'count' in value &&
  typeof value.count === 'number' &&
  'channels' in value &&
  Array.isArray(value.channels);

export interface Watched {
  readonly instance: string;
  /** Longest time without a success, in seconds. */
  readonly limitSeconds: number;
}

/** An instance that has not succeeded for longer than its limit. */
export interface Overdue extends ShownRecord {
  readonly paused: boolean;
}

/** Whether an instance has gone without a success for too long; one that never had one is counted from its record's begin. */
export const isOverdue = ({ lastSuccess, since }: ShownRecord, limitSeconds: number, now: Date): boolean =>
  now.getTime() - Date.parse(lastSuccess ?? since) > limitSeconds * 1000;
