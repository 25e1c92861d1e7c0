import type { CommitsOfInput } from '../flake-lock/commits.js';
import { type Outcome, type Report, type ReportedPart } from './data.js';
import { exitStatus } from './exit-status.js';
import { countsWords, outcomeWords } from './words.js';
import { without } from '../run/without.js';
import { oneName } from '../text/one-line.js';

export function reportedPart(inputs: readonly string[], report: Report): ReportedPart {
  const { run, outcome, error, landed, declined } = report;
  return {
    ...{ run, inputs, outcome, error, landed },
    ...(declined === undefined ? {} : { declined }),
    headline: outcomeWords(report),
    counts: countsWords(report),
    exitStatus: exitStatus(report),
    strictExitStatus: exitStatus(report, true),
  };
}

export interface Lost {
  readonly lost: 'failed' | 'cancelled';
  readonly error: string;
}

export const lostPart = (inputs: readonly string[], run: string, { lost, error }: Lost): ReportedPart => ({
  ...{ run, inputs, outcome: lost, error, landed: null },
  ...{ headline: lost === 'failed' ? 'Failed' : 'Cancelled', counts: '', exitStatus: 1, strictExitStatus: 1 },
});

type FoundByParts = Pick<Report, 'heldBack' | 'notHeldBack' | 'brokenOnBase' | 'channels'> & {
  readonly commits: readonly CommitsOfInput[];
  readonly fetchFailures: Report['unfetched'];
};

export const foundBy = (reports: readonly Report[]): FoundByParts => ({
  // Since when is told by the run.
  heldBack: reports.flatMap(({ heldBack }) => heldBack.map((held) => without(held, 'since', 'overdue'))),
  notHeldBack: reports.flatMap(({ notHeldBack }) => notHeldBack),
  brokenOnBase: [...new Set(reports.flatMap(({ brokenOnBase }) => brokenOnBase))].sort(),
  channels: reports.flatMap(({ channels = [] }) => channels),
  commits: reports.flatMap(({ inputs }) =>
    inputs.flatMap(({ name, from, to, commits }) =>
      commits === undefined || from === null || to === null ? [] : [{ name, from, to, ...commits }],
    ),
  ),
  fetchFailures: reports.flatMap(({ unfetched }) => unfetched),
});

/** What the outcome of a run is, by those of its parts: the first of these that one of them has. */
const BY_WEIGHT: readonly Outcome[] = ['broken', 'landed', 'verified', 'rejected', 'expired', 'superseded'];

export const partsOutcome = (parts: readonly ReportedPart[]): Outcome =>
  BY_WEIGHT.find((outcome) => parts.some((part) => part.outcome === outcome)) ?? 'unchanged';

export function partsProblem(parts: readonly ReportedPart[]): string | null {
  const failed = parts.filter(({ outcome }) => outcome === 'failed');
  if (failed.length === 0) return null;
  const each = failed.map(({ inputs, error }) => `${inputs.map(oneName).join(' and ')}: ${error ?? 'failed'}`);
  return failed.length === 1
    ? (each[0] ?? '')
    : `${failed.length} of ${parts.length} requests failed.\n${each.join('\n')}`;
}
