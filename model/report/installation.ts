import { compareNaturally } from '../text/natural-order.js';
import { groupBy } from '../text/group-by.js';
import { earlierHolds } from './earlier-holds.js';
import { isPart } from '../run/ids.js';
import { isBroken } from './words.js';
import type { HeldBackInput } from './data.js';
import { sizeHistory, type HostFacts, type RunFacts, type RunSummary } from './facts.js';

export interface ShownRun {
  /** Relative address of its page. */
  readonly page: string;
  readonly summary: RunSummary;
}

/** The same with all that is known of it. */
export interface KnownRun extends ShownRun {
  readonly facts: RunFacts;
}

export interface InstanceState {
  readonly instance: string;
  readonly repository: string;
  readonly last: ShownRun;
  /** The newest run of it that landed something, or found nothing to do; `null` when none did. */
  readonly lastGood: ShownRun | null;
  readonly runs: number;
}

export interface HostState {
  readonly host: string;
  readonly repository: string;
  readonly facts: HostFacts;
  readonly run: ShownRun;
  /** The newest run that built it; `null` when none did that is known here. */
  readonly lastBuilt: ShownRun | null;
  /** Bytes of its closure, the oldest run first. */
  readonly sizes: readonly number[];
}

export interface HeldState {
  readonly held: HeldBackInput;
  readonly repository: string;
  /** ISO 8601 */
  readonly since: string;
  readonly run: ShownRun;
}

export interface Installation {
  readonly instances: readonly InstanceState[];
  readonly hosts: readonly HostState[];
  readonly heldBack: readonly HeldState[];
  /** Newest first. */
  readonly runs: readonly ShownRun[];
}

/** What parts of runs found out of inputs is in the reports of their runs; of hosts they tell themselves. */
export const isWhole = ({ summary }: ShownRun): boolean => !isPart(summary.run);

const stateOf = ({ instance, repository }: RunSummary): string => JSON.stringify([instance, repository]);

/** Runs of each instance on each repository, in the order in which they come. */
export const byInstance = <R extends ShownRun>(runs: readonly R[]): ReadonlyMap<string, readonly R[]> =>
  groupBy(runs, ({ summary }) => stateOf(summary));

/**
 * Puts the reports of a machine together.
 * @param runs all of them, newest first
 * @param known those of which more is known, newest first: the last ones of each instance
 */
export function installationOf(runs: readonly ShownRun[], known: readonly KnownRun[]): Installation {
  const whole = runs.filter(isWhole);
  const instances = [...byInstance(whole).values()].flatMap((own) =>
    own.slice(0, 1).map((last) => ({
      instance: last.summary.instance,
      repository: last.summary.repository,
      last,
      lastGood: own.find(({ summary }) => ['landed', 'verified', 'unchanged'].includes(summary.outcome)) ?? null,
      runs: own.length,
    })),
  );
  const repositories = [...groupBy(known, ({ summary }) => summary.repository).values()];
  return {
    instances: instances.sort(
      (one, other) =>
        Number(other.last.summary.needsLook) - Number(one.last.summary.needsLook) ||
        compareNaturally(one.instance, other.instance) ||
        compareNaturally(one.repository, other.repository),
    ),
    hosts: repositories
      .flatMap(hostsOfRepository)
      .sort(
        (one, other) =>
          rankOf(one) - rankOf(other) ||
          compareNaturally(one.host, other.host) ||
          compareNaturally(one.repository, other.repository),
      ),
    heldBack: repositories
      .flatMap((own) => heldBackIn(own.filter(isWhole)))
      .sort((one, other) => (one.since < other.since ? -1 : 1)),
    runs: whole,
  };
}

const rankOf = ({ facts }: HostState): number => {
  if (isBroken(facts)) return facts.mitigation === '' ? 0 : 1;
  return facts.verdict === 'built' ? 3 : 2;
};

/** Hosts that the newest run of each instance still knows; each as the newest run found it that verified it. */
function hostsOfRepository(runs: readonly KnownRun[]): readonly HostState[] {
  const newest = [...byInstance(runs.filter(({ facts }) => facts.hosts.size > 0)).values()].flatMap((own) =>
    own.slice(0, 1),
  );
  const names = new Set(newest.flatMap(({ facts }) => [...facts.hosts.keys(), ...facts.notAsked]));
  return [...names].flatMap((host) => {
    const found = runs.flatMap((run) => {
      const facts = run.facts.hosts.get(host);
      return facts === undefined ? [] : [{ run, facts }];
    });
    const [last] = found;
    if (last === undefined) return [];
    return [
      {
        host,
        repository: last.run.summary.repository,
        facts: last.facts,
        run: last.run,
        lastBuilt: found.find(({ facts }) => facts.verdict === 'built')?.run ?? null,
        sizes: sizeHistory(runs.map(({ facts }) => facts.sizes).reverse())(host),
      },
    ];
  });
}

/** What the newest runs of a repository hold back. A run that failed says nothing of it. */
function heldBackIn(runs: readonly KnownRun[]): readonly HeldState[] {
  const reports = runs.map(({ facts, summary }) => ({
    ...summary,
    heldBack: facts.heldBack,
    inputs: facts.moved.map((name) => ({ name })),
  }));
  return earlierHolds(reports).flatMap(({ input, since }) => {
    for (const run of runs) {
      const held = run.facts.heldBack.find((each) => each.input === input);
      if (held !== undefined) return [{ held, since, run, repository: run.summary.repository }];
    }
    return [];
  });
}
