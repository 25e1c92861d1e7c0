import { searchCulprits, type ProbeAnswer, type Questions, type SearchResult } from './search.js';
import type { InseparableInputs } from '../flake-lock/inseparable.js';

/** One candidate to make and verify: base with these inputs moved (none: base itself), for the targets that ask. */
export interface Probe {
  readonly move: readonly string[];
  readonly targets: readonly string[];
  /** 1, 2, …; 0 is base, which is not counted. */
  readonly number: number;
}

export type RoundAnswer = (probe: Probe, target: string) => ProbeAnswer;

export interface BlameInput {
  /** Names of the broken targets. */
  readonly targets: readonly string[];
  /** Inputs that moved, those together that move only together; the first ones are kept back least. */
  readonly groups: readonly InseparableInputs[];
  /** Names of inputs that must not be kept back. */
  readonly never: readonly string[];
  /** Most probes of all targets together. */
  readonly budget: number;
}

/**
 * Searches for several targets side by side. Each round yields one probe for each set of inputs that is asked about, so
 * targets with one cause share their probes and those with several are told apart. The first round asks about base as
 * well: a target that breaks there is out. Past the budget the answer is `unknown`.
 */
export function* blame(input: BlameInput): Generator<readonly Probe[], ReadonlyMap<string, SearchResult>, RoundAnswer> {
  const results = new Map<string, SearchResult>();
  const asking = new Map<string, Asking>();
  const advance = (target: string, search: Search, step: ReturnType<Search['next']>): void => {
    if (step.done === true) {
      asking.delete(target);
      results.set(target, step.value);
    } else {
      asking.set(target, { search, questions: step.value });
    }
  };
  const always = (group: InseparableInputs): boolean => group.some((name) => input.never.includes(name));
  for (const target of input.targets) {
    const search = searchCulprits(
      input.groups.filter((group) => !always(group)),
      input.groups.filter(always),
    );
    advance(target, search, search.next());
  }
  let made = 0;
  let base: Probe | null = { move: [], targets: input.targets, number: 0 };
  while (base !== null || asking.size > 0) {
    const asked: readonly Probe[] = probesOf(asking, made);
    made += asked.length;
    const affordable = asked.filter(({ number }) => number <= input.budget);
    const round: readonly Probe[] = base === null ? affordable : [base, ...affordable];
    const answer: RoundAnswer = round.length === 0 ? () => 'unknown' : yield round;
    if (base !== null) {
      for (const target of input.targets) {
        const given = answer(base, target);
        if (given === 'holds') continue;
        results.set(target, { kind: given === 'breaks' ? 'broken-on-base' : 'unknown' });
        asking.delete(target);
      }
      base = null;
    }
    const probes = new Map(affordable.map((probe) => [setOf(probe.move), probe]));
    for (const [target, { search, questions }] of [...asking]) {
      const found = questions.map((question) => probes.get(setOf(question.flat())));
      advance(
        target,
        search,
        search.next(found.map((probe) => (probe === undefined ? 'unknown' : answer(probe, target)))),
      );
    }
  }
  return results;
}

type Search = ReturnType<typeof searchCulprits>;

interface Asking {
  readonly search: Search;
  readonly questions: Questions;
}

const setOf = (move: readonly string[]): string => JSON.stringify([...move].sort());

/** One probe for each set that is asked about. All questions are collected before any search goes on. */
function probesOf(asking: ReadonlyMap<string, Asking>, made: number): Probe[] {
  const sets = new Map<string, { readonly move: readonly string[]; readonly targets: string[] }>();
  for (const [target, { questions }] of asking)
    for (const move of questions.map((question) => question.flat())) {
      const known = sets.get(setOf(move));
      if (known === undefined) sets.set(setOf(move), { move, targets: [target] });
      else known.targets.push(target);
    }
  return [...sets.values()].map((set, index) => ({ ...set, number: made + index + 1 }));
}
