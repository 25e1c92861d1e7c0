import { composeLock } from '../flake-lock/compose.js';
import { FlakeLockError } from '../flake-lock/types.js';
import type { FlakeLock } from '../flake-lock/types.js';
import { allInputs } from '../flake-lock/walk.js';
import type { InputGroup } from './search.js';

/** Entangled inputs, of which each choice is tried: 2 to this power compositions at most. More of them are one group. */
const ENTANGLED_LIMIT = 8;

/**
 * Moved root inputs in groups that can be composed apart: in any choice of groups, nothing follows what is not there. All of
 * them together are the candidate itself, so there is such a grouping. Groups and their inputs keep the order of `moved`.
 */
export function inputGroups(base: FlakeLock, candidate: FlakeLock, moved: readonly string[]): readonly InputGroup[] {
  const involved = new Set([...entangledIn(base, candidate), ...entangledIn(candidate, base)]);
  const entangled = moved.filter((name) => involved.has(name));
  const composes = (move: readonly string[]): boolean => isComposable(base, candidate, move);
  const groups =
    entangled.length > ENTANGLED_LIMIT
      ? [entangled]
      : mergeUntil(
          entangled.map((name) => [name]),
          composes,
        );
  const free = moved.filter((name) => !involved.has(name)).map((name) => [name]);
  return [...groups, ...free]
    .map((group) => moved.filter((name) => group.includes(name)))
    .sort((one, other) => moved.indexOf(one[0] ?? '') - moved.indexOf(other[0] ?? ''));
}

function isComposable(base: FlakeLock, candidate: FlakeLock, move: readonly string[]): boolean {
  try {
    composeLock({ base, candidate, move });
    return true;
  } catch (error) {
    if (error instanceof FlakeLockError && error.problem === 'not-composable') return false;
    throw error;
  }
}

/**
 * Root inputs with something that can lose what it follows when only some of them move: one that follows a thing below
 * another root input, or a root input that only one of the locks has. What follows a root input itself always finds it.
 */
function entangledIn(lock: FlakeLock, other: FlakeLock): readonly string[] {
  return [...allInputs(lock)].flatMap(({ path, edge }) => {
    const [follower = ''] = path;
    if (edge.kind !== 'follows') return [];
    const [leader] = edge.path;
    if (leader === undefined) return [];
    const always = path.length > 1 && edge.path.length === 1 && other.root.inputs.has(leader);
    return always ? [] : [follower, leader];
  });
}

/** Joins the groups of the smallest choice that does not compose, with the company that it needs, until each choice does. */
function mergeUntil(
  groups: readonly InputGroup[],
  composes: (move: readonly string[]) => boolean,
): readonly InputGroup[] {
  const failing = choices(groups).find((choice) => !composes(choice.flat()));
  if (failing === undefined || groups.length === 1) return groups;
  let company = groups;
  for (const group of groups) {
    const without = company.filter((each) => each !== group);
    if (!failing.includes(group) && composes(without.flat())) company = without;
  }
  // A choice that does not compose has company, or is the smallest of its kind: this joins at least two groups.
  return mergeUntil([company.flat(), ...groups.filter((group) => !company.includes(group))], composes);
}

/** All choices of some groups, small ones first. */
function choices(groups: readonly InputGroup[]): readonly (readonly InputGroup[])[] {
  const all = Array.from({ length: 2 ** groups.length }, (_, bits) =>
    groups.filter((_group, index) => (bits & (1 << index)) !== 0),
  );
  return all.sort((one, other) => one.length - other.length);
}
