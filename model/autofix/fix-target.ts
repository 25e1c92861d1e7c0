import type { Candidate, MovedInput } from '../verify/candidate.js';
import type { ReportedAttempt, ReportedFix } from '../report/data.js';
import type { Person } from '../git/person.js';
import type { WholeAgent } from '../run/earlier.js';
import type { VerifySetting } from '../verify/verification.js';
import { targetLabel, type Target } from '../targets/index.js';
import type { Verdict } from '../verify/verdict.js';
import type { PastAttempt } from './attempt.js';

/** The single argument of the `fixTarget` workflow: one broken target of a candidate. */
export interface FixTargetInput extends VerifySetting {
  readonly instance: string;
  readonly candidate: Candidate;
  readonly broken: Verdict;
  readonly moved: readonly MovedInput[];
  readonly earlier: readonly PastAttempt[];
  readonly agent: WholeAgent;
  /** As of `AttemptInput`. */
  readonly secretFiles?: readonly string[];
  readonly author: Person;
  readonly committer: Person;
  readonly date: number;
}

export interface FixTargetResult {
  /** Those that were made now. */
  readonly attempts: readonly PastAttempt[];
  /** The candidate and the fix as one commit on top; `null` when no attempt did. */
  readonly candidate: Candidate | null;
  /** Machines that hold records and GC roots of what was verified. */
  readonly machines: readonly string[];
}

/** An accepted fix: the newest commit of a candidate. */
export interface Fix {
  /** Targets that it repairs; the first one is what the agent was asked about. */
  readonly targets: readonly Target[];
  /** The lock's commit, the fixes before this one, and this one. */
  readonly candidate: Candidate;
  /** Head of the lock's commit that it was made for. */
  readonly madeFor: string;
}

/** What was done about each target that an agent was asked about, or that another target's fix repaired. */
export function reportedFixes(
  tried: ReadonlyMap<string, readonly PastAttempt[]>,
  fixes: readonly Fix[],
): readonly ReportedFix[] {
  const commits = new Map(
    fixes.flatMap(({ targets, candidate }) => targets.map((target) => [targetLabel(target), candidate.head] as const)),
  );
  return [...new Set([...tried.keys(), ...commits.keys()])]
    .map((target) => ({
      target,
      attempts: (tried.get(target) ?? []).map(reportedAttempt),
      commit: commits.get(target) ?? null,
    }))
    .filter(({ attempts, commit }) => attempts.length > 0 || commit !== null);
}

const reportedAttempt = (attempt: PastAttempt): ReportedAttempt => {
  const { number, outcome, reason, seconds, machine, logPath, sandboxed, files } = attempt;
  return { number, outcome, reason, seconds, machine, logPath, sandboxed, files };
};
