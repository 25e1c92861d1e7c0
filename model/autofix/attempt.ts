import type { Candidate, CandidateSource } from '../verify/candidate.js';
import type { ReportedAttempt } from '../report/data.js';
import type { Person } from '../git/person.js';
import type { WholeAgent } from '../run/earlier.js';
import type { Target } from '../targets/index.js';

/** One attempt of an agent at a broken target. Which number it has is decided before: repeating it costs none. */
export interface AttemptInput extends CandidateSource {
  /** Workflow id of the run. */
  readonly run: string;
  readonly target: Target;
  /** From 1 on. */
  readonly attempt: number;
  readonly agent: WholeAgent;
  /** Files of the run with secrets beside those that `repository` and `agent` name; missing in older runs. */
  readonly secretFiles?: readonly string[];
  readonly prompt: string;
  /** Of the commit that an accepted change becomes. */
  readonly message: string;
  readonly author: Person;
  readonly committer: Person;
  readonly date: number;
  /** Lease of an agent that nobody follows, in seconds. */
  readonly takeoverSeconds: number;
}

/** What an agent left behind. Data, like a verdict: a failing agent is not a failure of the machine. */
export interface AttemptResult {
  /**
   * - `proposed`: there is a change that may be tried
   * - `refused`: the guard does not let it be tried
   * - `unchanged`: nothing was changed
   * - `timed-out`: one of the limits was reached: of time, output, memory, processes or disk
   * - `unusable`: the agent could not be started, which another attempt would not change
   */
  readonly kind: 'proposed' | 'refused' | 'unchanged' | 'timed-out' | 'unusable';
  /** Why it is not tried; `null` when it may be. */
  readonly reason: string | null;
  /** The input's candidate and the change as one commit; only when it may be tried. */
  readonly candidate: Candidate | null;
  readonly files: readonly string[];
  /** The change as a patch, at most `PATCH_BYTES`: what a later attempt is told. */
  readonly patch: string;
  readonly seconds: number;
  readonly machine: string;
  readonly logPath: string;
  readonly sandboxed: boolean;
}

export const PATCH_BYTES = 8 * 1024;

/** An attempt and what came of it, as the next one is told. */
export interface PastAttempt extends ReportedAttempt {
  readonly patch: string;
  /** End of the log of the build that is still broken with it; `null` when it was not built. */
  readonly logTail: string | null;
}

/** Heartbeat details of `attemptFix`. */
export interface AttemptHeartbeat {
  readonly machine: string;
  readonly hostName: string;
  readonly phase: 'preparing' | 'running' | 'judging';
  /** ISO 8601 start of the agent, not of the activity's attempt. */
  readonly startedAt: string;
  readonly logPath: string;
  readonly lastLines: readonly string[];
}
