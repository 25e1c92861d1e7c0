import type { UnfetchedInput } from '../candidate.js';
import { composeLock } from './compose.js';
import { FlakeLockError, type FlakeLock } from './types.js';

interface Composition {
  readonly lock: FlakeLock;
  /** Inputs that stay as they were, with the reason. */
  readonly left: readonly UnfetchedInput[];
}

/**
 * A lock with another one's inputs. One that cannot be there alone (it follows something that the others do not bring
 * along) stays as it was, with the reason.
 */
export function composeWhatFits(base: FlakeLock, candidate: FlakeLock, move: readonly string[]): Composition {
  const attempt = (names: readonly string[]): FlakeLock | FlakeLockError => {
    try {
      return composeLock({ base, candidate, move: names });
    } catch (error) {
      if (error instanceof FlakeLockError && error.problem === 'not-composable') return error;
      throw error;
    }
  };
  const whole = attempt(move);
  if (!(whole instanceof FlakeLockError)) return { lock: whole, left: [] };
  let lock = base;
  const taken: string[] = [];
  const left: UnfetchedInput[] = [];
  for (const name of move) {
    const next = attempt([...taken, name]);
    if (next instanceof FlakeLockError) {
      left.push({ name, reason: next.message });
    } else {
      lock = next;
      taken.push(name);
    }
  }
  return { lock, left };
}
