import { stripControl, truncate } from '../text/text.js';
import { FlakeLockError, type FlakeLock, type InputPath, type LockEdge } from './types.js';
import { allInputs, followsCycle, nodeOfInput } from './walk.js';

/**
 * Base's lock with only the root inputs in `move` as the candidate has them, each with all that it brings along; one that
 * the candidate doesn't have is dropped. Nothing is fetched: each revision in the result is in one of the two locks.
 *
 * `follows` are kept as they are written, so an input that stayed may follow one that moved. Throws `FlakeLockError`
 * (`not-composable`) when that makes one lead nowhere, although it led somewhere in its own lock: these inputs move together
 * or not at all.
 */
export function composeLock(parts: {
  readonly base: FlakeLock;
  readonly candidate: FlakeLock;
  readonly move: readonly string[];
}): FlakeLock {
  const { base, candidate, move } = parts;
  const inputs = new Map<string, LockEdge>(base.root.inputs);
  for (const name of move) {
    const edge = candidate.root.inputs.get(name);
    if (edge === undefined) inputs.delete(name);
    else inputs.set(name, edge);
  }
  const composed: FlakeLock = { version: 7, root: { ...base.root, inputs } };
  const lost = followsCycle(composed) ?? lostFollows(composed, (name) => (move.includes(name) ? candidate : base));
  if (lost === null) return composed;
  throw new FlakeLockError(
    'not-composable',
    `Input ${truncate(stripControl(lost.join('/')), 200)} follows one that is not there when only ${truncate(stripControl(move.join(', ')), 1000)} moves; move the two together.`,
  );
}

/** An input that follows something in the lock that it comes from, and nothing in the composed one. */
function lostFollows(composed: FlakeLock, origin: (rootInput: string) => FlakeLock): InputPath | null {
  for (const { path, edge } of allInputs(composed)) {
    if (edge.kind !== 'follows' || nodeOfInput(composed, edge.path) !== null) continue;
    if (nodeOfInput(origin(path[0] ?? ''), edge.path) !== null) return path;
  }
  return null;
}
