import type { UnfetchedInput } from '../verify/candidate.js';
import { inputGroups } from './inseparable.js';
import { composeLock } from './compose.js';
import { FlakeLockError, type FlakeLock } from './types.js';

interface Composition {
  readonly lock: FlakeLock;
  /** Inputs that stay as they were, with the reason. */
  readonly left: readonly UnfetchedInput[];
}

/**
 * A lock with another one's inputs. Those that cannot be there (they follow something that the others do not bring along)
 * stay as they were, with the reason; inputs that can only move together move, or stay, together.
 */
export function composeWhatFits(base: FlakeLock, candidate: FlakeLock, move: readonly string[]): Composition {
  let lock = base;
  const taken: string[] = [];
  const left: UnfetchedInput[] = [];
  for (const group of inputGroups(base, candidate, move)) {
    try {
      lock = composeLock({ base, candidate, move: [...taken, ...group] });
      taken.push(...group);
    } catch (error) {
      if (!(error instanceof FlakeLockError && error.problem === 'not-composable')) throw error;
      left.push(...group.map((name) => ({ name, reason: error.message })));
    }
  }
  return { lock, left };
}

/** The same with all inputs but those that are to stay. */
export function composeAllBut(base: FlakeLock, candidate: FlakeLock, staying: readonly string[]): Composition {
  const names = new Set([...base.root.inputs.keys(), ...candidate.root.inputs.keys()]);
  return composeWhatFits(
    base,
    candidate,
    [...names].filter((name) => !staying.includes(name)),
  );
}
