/** Whether a target holds with some inputs moved; `unknown` when nobody can tell, or no more probes may be made. */
export type ProbeAnswer = 'holds' | 'breaks' | 'unknown';

/** Inputs that can only move together: root inputs, one of which follows something that another one brings. */
export type InputGroup = readonly string[];

/** What a search found out about one target. */
export type SearchResult =
  /** Nothing that moved is to blame. */
  | { readonly kind: 'broken-on-base' }
  /** Inputs that must not be kept back break it by themselves. */
  | { readonly kind: 'must-move' }
  /** Base itself could not be judged, or no probe could be. */
  | { readonly kind: 'unknown' }
  /** With these kept back it holds. `smallest` is false when the answers ended before fewer could be tried. */
  | { readonly kind: 'found'; readonly held: readonly InputGroup[]; readonly smallest: boolean };

/**
 * Which inputs to keep back so that one target holds, when it holds on base and breaks with all of them moved. It yields
 * the groups to move in the next probe, and takes the answer.
 *
 * The target is taken to break with any set that holds a set which breaks it. Then the shortest beginning of the list that
 * breaks is found by bisection, its last group is kept back, and the search goes on behind it. Each round ends with a probe
 * of everything else, so a group that breaks alone costs ⌈log2 k⌉ + 1 probes, and groups that break only together are found
 * by their last. What is found is a smallest set: the target breaks again with any one of its groups moved.
 * @param groups that may be kept back; the first ones are kept back least
 * @param never groups that always move
 */
export function* searchCulprits(
  groups: readonly InputGroup[],
  never: readonly InputGroup[],
): Generator<readonly InputGroup[], SearchResult, ProbeAnswer> {
  if (never.length > 0) {
    const alone = groups.length === 0 ? 'breaks' : yield never;
    if (alone !== 'holds') return { kind: alone === 'breaks' ? 'must-move' : 'unknown' };
  }
  const held: InputGroup[] = [];
  // `good` holds, and with all of `rest` it breaks.
  let good = never;
  for (let rest = groups; ;) {
    let holds = 0;
    let breaks = rest.length;
    while (breaks - holds > 1) {
      const middle = Math.floor((holds + breaks) / 2);
      const answer = yield [...good, ...rest.slice(0, middle)];
      if (answer === 'unknown') return { kind: 'found', held: [...held, ...rest.slice(holds)], smallest: false };
      if (answer === 'holds') holds = middle;
      else breaks = middle;
    }
    held.push(...rest.slice(holds, breaks));
    good = [...good, ...rest.slice(0, holds)];
    rest = rest.slice(breaks);
    if (rest.length === 0) return { kind: 'found', held, smallest: true };
    const answer = yield [...good, ...rest];
    if (answer === 'holds') return { kind: 'found', held, smallest: true };
    if (answer === 'unknown') return { kind: 'found', held: [...held, ...rest], smallest: false };
  }
}
