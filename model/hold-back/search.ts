import type { InseparableInputs } from '../flake-lock/inseparable.js';

/** Whether a target holds with some inputs moved; `unknown` when nobody can tell, or no more probes may be made. */
export type ProbeAnswer = 'holds' | 'breaks' | 'unknown';

export type SearchResult =
  /** Nothing that moved is to blame. */
  | { readonly kind: 'broken-on-base' }
  /** Inputs that must not be kept back break it by themselves. */
  | { readonly kind: 'must-move' }
  /** Base itself could not be judged, or no probe could be. */
  | { readonly kind: 'unknown' }
  /** With these kept back it holds. `smallest` is false when the answers ended before fewer could be tried. */
  | { readonly kind: 'found'; readonly held: readonly InseparableInputs[]; readonly smallest: boolean };

/** Sets of groups to move, each in a probe of its own: none waits for another's answer. */
export type Questions = readonly (readonly InseparableInputs[])[];

/**
 * Which inputs to keep back so that one target holds, when it holds on base and breaks with all of them moved. It yields
 * the groups to move in the next probes, and takes their answers in the same order.
 *
 * The target is taken to break with any set that holds a set which breaks it. Then the shortest beginning of the list that
 * breaks is found by bisection, its last group is kept back, and the search goes on behind it. When two groups are left that
 * may be this last one, everything but the one and everything but the other are tried side by side: a group that breaks
 * alone is known then, and that the rest holds, after ⌈log2 k⌉ + 1 probes in one round less. Groups that break only together
 * are found by their last. What is found is a smallest set: the target breaks again with any one of its groups moved.
 * @param groups that may be kept back; the first ones are kept back least
 * @param never groups that always move
 */
export function* searchCulprits(
  groups: readonly InseparableInputs[],
  never: readonly InseparableInputs[],
): Generator<Questions, SearchResult, readonly ProbeAnswer[]> {
  if (never.length > 0) {
    const alone = groups.length === 0 ? 'breaks' : yield* ask(never);
    if (alone !== 'holds') return { kind: alone === 'breaks' ? 'must-move' : 'unknown' };
  }
  const held: InseparableInputs[] = [];
  // `good` holds, and with all of `rest` it breaks.
  let good = never;
  for (let rest = groups; rest.length > 0;) {
    let holds = 0;
    let breaks = rest.length;
    while (breaks - holds > 2) {
      const middle = Math.floor((holds + breaks) / 2);
      const answer = yield* ask([...good, ...rest.slice(0, middle)]);
      if (answer === 'unknown') return { kind: 'found', held: [...held, ...rest.slice(holds)], smallest: false };
      if (answer === 'holds') holds = middle;
      else breaks = middle;
    }
    const step = yield* lastOfBreaking(good, rest, { holds, breaks });
    held.push(...step.held);
    if (step.kind !== 'go-on') return { kind: 'found', held, smallest: step.kind === 'done' };
    ({ good, rest } = step);
  }
  return { kind: 'found', held, smallest: true };
}

type Search<T> = Generator<Questions, T, readonly ProbeAnswer[]>;

function* ask(move: readonly InseparableInputs[]): Search<ProbeAnswer> {
  const [answer = 'unknown'] = yield [move];
  return answer;
}

type Step =
  /** With these kept back, everything else holds. */
  | { readonly kind: 'done'; readonly held: readonly InseparableInputs[] }
  /** Nobody can tell whether fewer would do. */
  | { readonly kind: 'unknown'; readonly held: readonly InseparableInputs[] }
  /** Kept back as well; `good` holds, and breaks with all of `rest`. */
  | {
      readonly kind: 'go-on';
      readonly held: readonly InseparableInputs[];
      readonly good: readonly InseparableInputs[];
      readonly rest: readonly InseparableInputs[];
    };

/** Finds which group is the last of the shortest beginning that breaks, of one or two that may be it. */
function* lastOfBreaking(
  good: readonly InseparableInputs[],
  rest: readonly InseparableInputs[],
  { holds, breaks }: { readonly holds: number; readonly breaks: number },
): Search<Step> {
  const before = [...good, ...rest.slice(0, holds)];
  const [one = [], other] = rest.slice(holds, breaks);
  const behind = rest.slice(breaks);
  const unknown: Step = { kind: 'unknown', held: rest.slice(holds) };
  if (other === undefined) {
    const answer = behind.length === 0 ? 'holds' : yield* ask([...before, ...behind]);
    if (answer === 'unknown') return unknown;
    return answer === 'holds'
      ? { kind: 'done', held: [one] }
      : { kind: 'go-on', held: [one], good: before, rest: behind };
  }
  const [withOther, withOne] = yield [
    [...before, other, ...behind],
    [...before, one, ...behind],
  ];
  if (withOne === 'holds') return { kind: 'done', held: [other] };
  if (withOther === 'holds') return { kind: 'done', held: [one] };
  if (withOne !== 'breaks' || withOther !== 'breaks') return unknown;
  const answer = behind.length === 0 ? 'breaks' : yield* ask([...before, one]);
  if (answer === 'unknown') return unknown;
  return answer === 'breaks'
    ? { kind: 'go-on', held: [one], good: before, rest: [other, ...behind] }
    : { kind: 'go-on', held: [other], good: [...before, one], rest: behind };
}
