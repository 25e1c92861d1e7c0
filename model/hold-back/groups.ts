import { composeLock } from '../flake-lock/compose.js';
import { FlakeLockError } from '../flake-lock/types.js';
import type { FlakeLock } from '../flake-lock/types.js';
import type { InputGroup } from './search.js';

/**
 * Moved root inputs in groups that can be composed apart: in any choice of groups, nothing follows what is not there. An
 * input that cannot move alone belongs to the smallest choice around it that composes. All of them together are the
 * candidate itself, so that there is one. Groups keep the order of `moved`.
 */
export function inputGroups(base: FlakeLock, candidate: FlakeLock, moved: readonly string[]): readonly InputGroup[] {
  const composes = (move: readonly string[]): boolean => {
    try {
      composeLock({ base, candidate, move });
      return true;
    } catch (error) {
      if (error instanceof FlakeLockError && error.problem === 'not-composable') return false;
      throw error;
    }
  };
  let groups: readonly InputGroup[] = moved.map((name) => [name]);
  for (const name of moved) {
    const company = companyOf(name, moved, composes);
    const joined = groups.filter((group) => group.some((each) => company.includes(each)));
    if (joined.length > 1)
      groups = [joined.flat(), ...groups.filter((group) => !joined.includes(group))].map((group) =>
        moved.filter((each) => group.includes(each)),
      );
  }
  return [...groups].sort((one, other) => moved.indexOf(one[0] ?? '') - moved.indexOf(other[0] ?? ''));
}

/** The inputs that have to move with one: all of them, less those without which it still composes. */
function companyOf(
  name: string,
  moved: readonly string[],
  composes: (move: readonly string[]) => boolean,
): readonly string[] {
  if (composes([name])) return [name];
  let company = moved;
  for (const other of moved) {
    const without = company.filter((each) => each !== other);
    if (other !== name && composes(without)) company = without;
  }
  return company;
}
