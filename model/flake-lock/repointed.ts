import { sameContent } from './content.js';
import { stringify } from './serialise.js';
import type { FlakeLock, JsonValue, LockEdge, LockNode } from './types.js';
import { compareNames } from './walk.js';

/**
 * Root inputs that `flake.nix` asks for otherwise in one lock than in the other: added, dropped, of another source,
 * following another input, with another `flake` flag, or with other wishes for what is below them. Sorted by name. The
 * locked revision plays no part.
 */
export function repointedInputs(a: FlakeLock, b: FlakeLock): string[] {
  const names = new Set([...a.root.inputs.keys(), ...b.root.inputs.keys()]);
  return [...names]
    .filter((name) => {
      const [one, other] = [a.root.inputs.get(name), b.root.inputs.get(name)];
      return (
        wish(one) !== wish(other) ||
        (one?.kind === 'node' && other?.kind === 'node' && below(name, one.node, other.node))
      );
    })
    .sort(compareNames);
}

/**
 * Whether the flake wishes otherwise for something below one of its inputs. While the input and all on the way have the
 * same content, whatever differs is the flake's own wish. In one that moved, only a `follows` that leads out of it is: the
 * input itself cannot ask for that. What only one of them has says nothing of the flake.
 */
function below(input: string, one: LockNode, other: LockNode): boolean {
  const todo = [{ one, other, same: true }];
  const seen = new Set<LockNode>();
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if (seen.has(next.one)) continue;
    seen.add(next.one);
    const same = next.same && sameContent(next.one, next.other);
    for (const [name, was] of next.one.inputs) {
      const is = next.other.inputs.get(name);
      if (is === undefined) continue;
      if (same ? wish(was) !== wish(is) : leadsOut(input, was) !== leadsOut(input, is)) return true;
      if (was.kind === 'node' && is.kind === 'node') todo.push({ one: was.node, other: is.node, same });
    }
  }
  return false;
}

/** What is followed outside of an input, as one comparable text. */
const leadsOut = (input: string, edge: LockEdge): string | null =>
  edge.kind === 'follows' && edge.path[0] !== input ? stringify(edge.path) : null;

/** Whether `flake.nix` asks for the same in both. */
export const sameWish = (a: LockNode, b: LockNode): boolean => wishOf(a) === wishOf(b);

/** What is asked of an input, as one comparable text. */
function wish(edge: LockEdge | undefined): string | null {
  if (edge === undefined) return null;
  return edge.kind === 'follows' ? stringify(edge.path) : wishOf(edge.node);
}

function wishOf(node: LockNode): string {
  const original = [...(node.original ?? [])].map(([name, value]) => [name, oneSpelling(name, value)] as const);
  return stringify([new Map<string, JsonValue>(original), node.flake]);
}

/** Evens out what versions of Nix write differently for the same `flake.nix`: branches, and `?dir=` in a Git URL. */
function oneSpelling(name: string, value: JsonValue): JsonValue {
  if (typeof value !== 'string') return value;
  if (name === 'ref') return value.replace(/^refs\/heads\//, '');
  if (name === 'url')
    return value.replace(/([?&])dir=[^&#]*(&|$)/, (_, start: string, end: string) => (end === '' ? '' : start));
  return value;
}
