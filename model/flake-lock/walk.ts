import type { FlakeLock, InputPath, LockEdge, LockNode } from './types.js';

/** The inputs of the flake itself, sorted by name, and what those that have no node of their own follow. */
export const rootInputs = (lock: FlakeLock): { readonly name: string; readonly follows: InputPath | null }[] =>
  sortedInputs(lock.root).map(([name, edge]) => ({ name, follows: edge.kind === 'follows' ? edge.path : null }));

/** Node that an input path leads to, along `follows`; `[]` is the root. `null` for none, or `follows` in a circle. */
export function nodeOfInput(lock: FlakeLock, path: InputPath): LockNode | null {
  const end = follow(lock, path);
  return end.kind === 'node' ? end.node : null;
}

/** Node at the end of an edge, as `nodeOfInput`. */
export const nodeOfEdge = (lock: FlakeLock, edge: LockEdge): LockNode | null =>
  edge.kind === 'node' ? edge.node : nodeOfInput(lock, edge.path);

/** Input path of a `follows` that never arrives because it comes back to itself; `null` when there is none. */
export function followsCycle(lock: FlakeLock): InputPath | null {
  for (const { path, edge } of allInputs(lock)) {
    if (edge.kind === 'follows' && follow(lock, edge.path).kind === 'cycle') return path;
  }
  return null;
}

/** Inputs of every node reached without `follows`, depth first, sorted; each node once, by the first path to it. */
export function allInputs(lock: FlakeLock): { readonly path: InputPath; readonly edge: LockEdge }[] {
  const found: { readonly path: InputPath; readonly edge: LockEdge }[] = [];
  const seen = new Set<LockNode>();
  const inputsOf = (node: LockNode, path: InputPath): typeof found => {
    seen.add(node);
    return sortedInputs(node).map(([name, edge]) => ({ path: [...path, name], edge }));
  };
  const stack = inputsOf(lock.root, []).reverse();
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    found.push(next);
    if (next.edge.kind === 'node' && !seen.has(next.edge.node))
      stack.push(...inputsOf(next.edge.node, next.path).reverse());
  }
  return found;
}

/** A root input and all inputs below it; those that it follows belong to other root inputs. */
export function inputsBelow({ version, root }: FlakeLock, name: string): ReturnType<typeof allInputs> {
  const edge = root.inputs.get(name);
  return edge === undefined ? [] : allInputs({ version, root: { ...root, inputs: new Map([[name, edge]]) } });
}

/** A node's inputs in the order in which Nix goes through them: by the bytes of their names. */
export const sortedInputs = (node: LockNode): (readonly [name: string, edge: LockEdge])[] =>
  [...node.inputs].sort(([a], [b]) => compareNames(a, b));

/** Order of two names by their bytes in UTF-8, which is the order of their code points. */
export function compareNames(a: string, b: string): number {
  const left = Array.from(a, (character) => character.codePointAt(0) ?? 0);
  const right = Array.from(b, (character) => character.codePointAt(0) ?? 0);
  const differs = left.findIndex((value, index) => value !== right[index]);
  return differs === -1 ? left.length - right.length : (left[differs] ?? 0) - (right[differs] ?? -1);
}

const STEP_LIMIT = 10_000;

/** A path that is being gone along from the root. */
export interface Way {
  readonly todo: InputPath;
  /** The `follows` that are still being resolved: where each stands, and how much of the path is left when it is done with. */
  readonly open: readonly { readonly at: string; readonly rest: number }[];
  readonly steps: number;
}

type End =
  { readonly kind: 'node'; readonly node: LockNode } | { readonly kind: 'nothing' } | { readonly kind: 'cycle' };

export const wayAlong = (path: InputPath): Way => ({ todo: path, open: [], steps: 0 });

/**
 * Goes along a way as far as its first `follows`. There the rest of the path is put behind the path that is followed, and
 * the way begins again at the root. The way is a circle when a `follows` is met while it is still being resolved. One that
 * is absurdly long (`follows` can be written so that it doubles with each) counts as a circle, too.
 */
export function goOn(lock: FlakeLock, { todo, open, steps }: Way): End | { readonly kind: 'on'; readonly way: Way } {
  let node = lock.root;
  for (const [index, name] of todo.entries()) {
    if (steps + index >= STEP_LIMIT) return { kind: 'cycle' };
    const edge = node.inputs.get(name);
    if (edge === undefined) return { kind: 'nothing' };
    if (edge.kind === 'node') {
      node = edge.node;
      continue;
    }
    const at = JSON.stringify(todo.slice(0, index + 1));
    const rest = todo.slice(index + 1);
    const stillOpen = open.slice(0, open.findLastIndex((one) => one.rest <= rest.length) + 1);
    if (stillOpen.some((one) => one.at === at)) return { kind: 'cycle' };
    return {
      kind: 'on',
      way: {
        todo: [...edge.path, ...rest],
        open: [...stillOpen, { at, rest: rest.length }],
        steps: steps + index + 1,
      },
    };
  }
  return { kind: 'node', node };
}

function follow(lock: FlakeLock, path: InputPath): End {
  let step = goOn(lock, wayAlong(path));
  while (step.kind === 'on') step = goOn(lock, step.way);
  return step;
}
