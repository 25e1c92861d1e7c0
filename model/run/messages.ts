/** Names and payloads of updates, signals and queries: what an operator sends to a run. */
export const APPROVE = 'approve';
export const REJECT = 'reject';
export const PROGRESS = 'progress';

export interface Decision {
  readonly by: string;
  /** Head of the candidate that was shown; the decision holds for this commit alone. */
  readonly commit: string;
  readonly comment: string | null;
  /** Whether it is about building so much, and not about landing; missing: about landing. */
  readonly about?: 'builds';
  /**
   * Which decision it is: who may read what is on the server could send it again as the other one, with its proof. Missing in what
   * was typed by hand, and from commands of earlier versions.
   */
  readonly decision?: typeof APPROVE | typeof REJECT;
}

/** Update id that makes a repeated decision harmless. */
export const decisionId = (
  kind: 'approve' | 'reject',
  { commit, about }: Pick<Decision, 'commit' | 'about'>,
): string => (about === undefined ? `${kind}:${commit}` : `${kind}:${commit}:${about}`);

/** Update: keep an input where it is on base, in this run. */
export const HOLD_BACK_INPUT = 'holdBackInput';

export interface HoldRequest {
  readonly by: string;
  /** Name of a root input that the run moves. */
  readonly input: string;
  readonly comment: string | null;
}

/** Update id that makes a repeated request harmless. */
export const holdId = (input: string): string => `hold:${input}`;

/** Update: end without landing, because a newer run of the same instance is there. */
export const GIVE_WAY = 'giveWay';

export interface GiveWayRequest {
  /** Id of the newer run. */
  readonly run: string;
  readonly instance: string;
  /** Its start: ISO 8601. */
  readonly startedAt: string;
}

/** Update id that makes a repeated request harmless. */
export const giveWayId = (run: string): string => `give-way:${run}`;

export interface RunStart {
  readonly workflowId: string;
  readonly startTime: Date;
}

/** Asking runs and those that are asked go by the same order, so that of two exactly one gives way. */
export function isNewer(one: RunStart, other: RunStart): boolean {
  const ahead = one.startTime.getTime() - other.startTime.getTime();
  return ahead > 0 || (ahead === 0 && one.workflowId > other.workflowId);
}

/** Key of a run's memo that is there while the run waits for approval and would give way to a newer one. */
export const GIVES_WAY_MEMO = 'givesWay';

/** Search attributes of a run, all of type Keyword. */
export const SEARCH_ATTRIBUTES = [
  'LockkeeperInstance',
  'LockkeeperRepository',
  'LockkeeperOutcome',
  'LockkeeperWaiting',
] as const;

/** Signal from `verifyCandidate` to its run: one target is done. */
export const TARGET_DONE = 'targetDone';

/** Signal from a builder to `verifyCandidate`: a target is being built, and was not done in a moment. */
export const BUILDING = 'building';

export interface BuildBegan {
  /** Label of the target. */
  readonly name: string;
}

/** Signal from `holdBack` to its run: what it tries now, in one sentence. */
export const DOING = 'doing';

/** Update of an instance's record: one of its runs has ended. */
export const RECORD_END = 'recordEnd';

/** Update of an instance's record: its channels were looked at. Gives what people are to be told. */
export const RECORD_CHANNELS = 'recordChannels';

/** Update of an instance's record: people were told. */
export const CHANNELS_TOLD = 'channelsTold';

/** Signal to what waits for a repository to change, a watcher or a run: look at it now. */
export const LOOK_NOW = 'lookNow';

/** Somebody who can read the server could replay a signal as another one, so each signal names its kind, and others are ignored. */
export interface LookNow {
  readonly about: typeof LOOK_NOW;
  /** Whether a watcher verifies main also when it knows how that commit stands. */
  readonly again: boolean;
}

export const isLookNow = (sent: unknown): sent is LookNow => isAbout(sent, LOOK_NOW) && typeof sent.again === 'boolean';

/** Signal to a watcher: what it is to do from now on: `SetWatch` of `model/watch/watch.ts`. */
export const SET_WATCH = 'setWatch';

/** Signal to a watcher: look no more until it is resumed, or look again. */
export const PAUSE_WATCH = 'pauseWatch';

export interface PauseWatch {
  readonly about: typeof PAUSE_WATCH;
  /** Why it is paused; `null`: it is resumed. */
  readonly paused: string | null;
}

export const isPauseWatch = (sent: unknown): sent is PauseWatch =>
  isAbout(sent, PAUSE_WATCH) && (sent.paused === null || typeof sent.paused === 'string');

/** What the argument of a message says of which message it was made for. */
export interface About<M extends string> {
  readonly about: M;
}

/** Whether the argument of a signal was made for this signal. */
export const isAbout = (sent: unknown, signal: string): sent is Readonly<Record<string, unknown>> =>
  typeof sent === 'object' && sent !== null && 'about' in sent && sent.about === signal;
