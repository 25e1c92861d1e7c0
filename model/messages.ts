/** Names and payloads of updates, signals and queries: what an operator sends to a run. */
export const APPROVE = 'approve';
export const REJECT = 'reject';
export const PROGRESS = 'progress';

export interface Decision {
  readonly by: string;
  /** Head of the candidate that was shown; the decision holds for this commit alone. */
  readonly commit: string;
  readonly comment: string | null;
}

/** Update id that makes a repeated decision harmless. */
export const decisionId = (kind: 'approve' | 'reject', commit: string): string => `${kind}:${commit}`;

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

/** Search attributes of a run, all of type Keyword. */
export const SEARCH_ATTRIBUTES = [
  'LockkeeperInstance',
  'LockkeeperRepository',
  'LockkeeperOutcome',
  'LockkeeperWaiting',
] as const;

/** Signal from `verifyCandidate` to its run: one target is done. */
export const TARGET_DONE = 'targetDone';

/** Signal from `holdBack` to its run: what it tries now, in one sentence. */
export const DOING = 'doing';

/** Update of an instance's record: one of its runs has ended. */
export const RECORD_END = 'recordEnd';
