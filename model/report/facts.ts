import { summaryWords, switchingWords } from './changes.js';
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

/** Bytes of closures in earlier runs, the oldest first, by host. */
export type SizeHistory = ReadonlyMap<string, readonly number[]>;

/** What a list of runs says of one. */
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
  /** How many hosts it verified. */
  readonly hosts: number;
}

/** What the state of an installation says of one host, as one run found it. */
export interface HostFacts {
  readonly verdict: VerdictKind;
  readonly kind: string;
  /** What makes a broken one matter less, in brackets; else empty. */
  readonly mitigation: string;
  readonly error: string | null;
  readonly sameAsBase: boolean | null;
  /** What changes in its closure; empty when that is not known. */
  readonly change: string;
  readonly switching: readonly string[];
  /** Bytes of its closure; `null` when that is not known. */
  readonly size: number | null;
}

/** All that later pages need of a run. */
export interface RunFacts {
  readonly summary: RunSummary;
  readonly hosts: ReadonlyMap<string, HostFacts>;
  readonly notAsked: readonly string[];
  readonly heldBack: readonly HeldBackInput[];
  /** Names of the inputs that moved. */
  readonly moved: readonly string[];
}

/** What a report says of its run. Throws for one that is damaged. */
export function factsOf(report: Report): RunFacts {
  const { run, instance, repository, outcome, startedAt, seconds, notAsked = [], heldBack = [] } = report;
  const hosts = hostsOf(report);
  return {
    summary: {
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
      hosts: hosts.length,
    },
    hosts: new Map(
      hosts.map((target) => {
        const { name, verdict, kind, error, sameAsBase, closure } = target;
        return [
          name,
          {
            ...{ verdict, kind, error, sameAsBase, mitigation: mitigation(report, target) },
            change: closure === undefined ? '' : summaryWords({ changes: [closure] }),
            switching: closure === undefined ? [] : switchingWords({ changes: [closure] }),
            size: closure === undefined ? null : closure.kind === 'compared' ? closure.sizes[1] : closure.size,
          },
        ];
      }),
    ),
    notAsked,
    heldBack,
    moved: report.inputs.map((input) => input.name),
  };
}

/**
 * Whether something that was read from a file can be the report of a run, also of an older version. What is not told apart here is found
 * when it is rendered.
 */
export function mayBeReport(value: unknown): value is Report {
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

/** Sizes of closures in runs, which are given with the oldest first. */
export function sizeHistory(runs: readonly RunFacts[]): SizeHistory {
  const sizes = new Map<string, number[]>();
  for (const { hosts } of runs)
    for (const [host, { size }] of hosts) {
      if (size === null) continue;
      const known = sizes.get(host);
      if (known === undefined) sizes.set(host, [size]);
      else known.push(size);
    }
  return sizes;
}
