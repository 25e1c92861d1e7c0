import type { MovedInput } from '../candidate.js';
import { compareUrl } from '../compare-url.js';
import { inputRevision, sameContent } from './content.js';
import { textAttribute } from './types.js';
import type { FlakeLock, InputPath, LockEdge, LockNode } from './types.js';
import { compareNames, nodeOfEdge } from './walk.js';

/**
 * Root inputs whose content differs between two locks, in themselves or in what they bring along, sorted by name. Inputs
 * are told apart by their paths. An input that follows the same one as before has not moved: what it follows has.
 * Without a lock before (`null`) every input is new.
 */
export function movedInputs(before: FlakeLock | null, after: FlakeLock): MovedInput[] {
  const names = new Set([...(before?.root.inputs.keys() ?? []), ...after.root.inputs.keys()]);
  const moved: MovedInput[] = [];
  for (const name of [...names].sort(compareNames)) {
    const pair = inputPair(before, after, before?.root, after.root, name);
    const itself = pair !== null && !sameNode(pair.before, pair.after);
    const nested = pair === null ? [] : movedBelow(before, after, pair, [name]);
    if (pair !== null && (itself || nested.length > 0)) moved.push(movedInput(name, pair, nested));
  }
  return moved;
}

/** What an input leads to in the two locks, every `follows` resolved; `null` where it leads nowhere. */
interface NodePair {
  readonly before: LockNode | null;
  readonly after: LockNode | null;
}

function movedInput(name: string, { before, after }: NodePair, nested: readonly string[]): MovedInput {
  const [was, is] = [before?.locked ?? null, after?.locked ?? null];
  return {
    name,
    kind: textAttribute(is, 'type') ?? textAttribute(was, 'type') ?? 'unknown',
    from: inputRevision(before),
    to: inputRevision(after),
    compareUrl: was === null || is === null ? null : compareUrl(was, is),
    nested,
  };
}

/** Nested inputs that differ below a pair of nodes, as `a/b`. A pair that is met again (shared nodes, cycles) is done. */
function movedBelow(before: FlakeLock | null, after: FlakeLock, top: NodePair, path: InputPath): string[] {
  const moved: string[] = [];
  const seen = new Map<LockNode | null, Set<LockNode | null>>();
  const todo: { readonly pair: NodePair; readonly path: InputPath }[] = [{ pair: top, path }];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const { pair } = next;
    if (pair.before === before?.root || pair.after === after.root || pair.before === null || pair.after === null)
      continue;
    const partners = seen.get(pair.before) ?? new Set();
    if (partners.has(pair.after)) continue;
    seen.set(pair.before, partners.add(pair.after));
    for (const name of new Set([...pair.before.inputs.keys(), ...pair.after.inputs.keys()])) {
      const below = inputPair(before, after, pair.before, pair.after, name);
      if (below === null) continue;
      const belowPath = [...next.path, name];
      if (!sameNode(below.before, below.after)) moved.push(belowPath.join('/'));
      todo.push({ pair: below, path: belowPath });
    }
  }
  return moved.sort(compareNames);
}

/** One input of two nodes that stand for each other; `null` when it follows the same input in both. */
function inputPair(
  beforeLock: FlakeLock | null,
  afterLock: FlakeLock,
  beforeNode: LockNode | undefined,
  afterNode: LockNode,
  name: string,
): NodePair | null {
  const [was, is] = [beforeNode?.inputs.get(name), afterNode.inputs.get(name)];
  if (followsSame(was, is)) return null;
  return {
    before: beforeLock === null || was === undefined ? null : nodeOfEdge(beforeLock, was),
    after: is === undefined ? null : nodeOfEdge(afterLock, is),
  };
}

const followsSame = (a: LockEdge | undefined, b: LockEdge | undefined): boolean =>
  a?.kind === 'follows' && b?.kind === 'follows' && JSON.stringify(a.path) === JSON.stringify(b.path);

const sameNode = (a: LockNode | null, b: LockNode | null): boolean =>
  a === null || b === null ? a === b : sameContent(a, b);
