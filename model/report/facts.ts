import type { TargetChange } from '../closure/closure.js';
import type { StoredReport } from './earlier.js';
import { hostsOf, isFailure, needsLook, OUTCOMES, type HeldBackInput, type Outcome, type Report } from './data.js';
import {
  brokenTargets,
  countsWords,
  failuresWords,
  mitigation,
  newSourcesWords,
  outcomeWords,
  VERDICTS,
} from './words.js';
import type { VerdictKind } from '../targets/types.js';

/** Bytes of a host's closure in earlier runs, the oldest first. */
export type SizeHistory = (host: string) => readonly number[];

export interface RunSummary {
  readonly run: string;
  readonly instance: string;
  readonly repository: string;
  readonly outcome: Outcome;
  /** How it ended, in words. */
  readonly headline: string;
  /** Counts in one sentence. */
  readonly counts: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly seconds: number;
  readonly needsLook: boolean;
  /** Why somebody has to look at it, a sentence each. */
  readonly reasons: readonly string[];
  /** Whether no target of it is broken. */
  readonly isAllGood: boolean;
  readonly hosts: number;
}

export interface HostFacts {
  readonly verdict: VerdictKind;
  readonly kind: string;
  /** What makes a broken one matter less, in brackets; else empty. */
  readonly mitigation: string;
  readonly error: string | null;
  readonly sameAsBase: boolean | null;
  /** What changes in its closure, without the packages; `null` when that is not known. */
  readonly change: TargetChange | null;
}

export interface RunFacts {
  readonly hosts: ReadonlyMap<string, HostFacts>;
  readonly sizes: Sizes;
  readonly notAsked: readonly string[];
  readonly heldBack: readonly HeldBackInput[];
  /** Names of the inputs that moved. */
  readonly moved: readonly string[];
}

export function summaryOf(report: Report): RunSummary {
  const { run, instance, repository, outcome, startedAt, seconds } = report;
  return {
    ...{ run, instance, repository, outcome, startedAt: new Date(startedAt).toISOString(), seconds },
    headline: outcomeWords(report),
    counts: countsWords(report),
    needsLook: needsLook(report),
    reasons: [
      ...(isFailure(outcome) ? [report.error ?? report.nothingVerified ?? countsWords(report)] : []),
      ...newSourcesWords(report),
      ...[failuresWords(report)].filter((words) => words !== null),
    ],
    isAllGood: brokenTargets(report).length === 0,
    hosts: hostsOf(report).length,
  };
}

/** What a report says of its run. Throws for one that is damaged. */
export function factsOf(report: Report): RunFacts {
  const { notAsked, heldBack, inputs } = report;
  return {
    hosts: new Map(
      hostsOf(report).map((target) => {
        const { name, verdict, kind, error, sameAsBase, closure } = target;
        return [
          name,
          {
            ...{ verdict, kind, error, sameAsBase, mitigation: mitigation(report, target) },
            change: closure?.kind === 'compared' ? { ...closure, packages: [] } : (closure ?? null),
          },
        ];
      }),
    ),
    sizes: sizesOf(report),
    notAsked,
    heldBack,
    moved: inputs.map(({ name }) => name),
  };
}

/** Whether a parsed file can be a report of any version. What is not told apart here is found when it is rendered. */
export function mayBeReport(value: unknown): value is StoredReport {
  if (typeof value !== 'object' || value === null) return false;
  const { run, instance, repository, outcome, startedAt, targets, inputs, unfetched, notifications } =
    value as Readonly<Record<string, unknown>>;
  return (
    [run, instance, repository].every((text) => typeof text === 'string') &&
    OUTCOMES.some((each) => each === outcome) &&
    typeof startedAt === 'string' &&
    !Number.isNaN(Date.parse(startedAt)) &&
    [targets, inputs, unfetched, notifications].every(Array.isArray) &&
    (targets as readonly unknown[]).every(
      (target) =>
        typeof target === 'object' &&
        target !== null &&
        'verdict' in target &&
        Object.hasOwn(VERDICTS, String(target.verdict)),
    )
  );
}

/** Bytes of the closures that a run built, by host; those that are not known are missing. */
export type Sizes = ReadonlyMap<string, number>;

export const sizesOf = (report: Report): Sizes =>
  new Map(
    hostsOf(report).flatMap(({ name, closure }) =>
      closure === undefined ? [] : [[name, closure.kind === 'compared' ? closure.sizes[1] : closure.size] as const],
    ),
  );

/** @param runs the oldest first */
export const sizeHistory =
  (runs: readonly Sizes[]): SizeHistory =>
  (host) =>
    runs.map((sizes) => sizes.get(host)).filter((size) => size !== undefined);
