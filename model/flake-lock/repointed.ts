import { stringify } from './serialise.js';
import type { FlakeLock, JsonValue, LockEdge } from './types.js';
import { compareNames } from './walk.js';

/**
 * Root inputs that `flake.nix` asks for otherwise in one lock than in the other: added, dropped, of another source,
 * following another input, or with another `flake` flag. Sorted by name. The locked revision plays no part.
 */
export function repointedInputs(a: FlakeLock, b: FlakeLock): string[] {
  const names = new Set([...a.root.inputs.keys(), ...b.root.inputs.keys()]);
  return [...names]
    .filter((name) => wish(a.root.inputs.get(name)) !== wish(b.root.inputs.get(name)))
    .sort(compareNames);
}

/** What is asked of an input, as one comparable text. */
function wish(edge: LockEdge | undefined): string | null {
  if (edge === undefined) return null;
  if (edge.kind === 'follows') return stringify(edge.path);
  const original = [...(edge.node.original ?? [])].map(([name, value]) => [name, oneSpelling(name, value)] as const);
  return stringify([new Map<string, JsonValue>(original), edge.node.flake]);
}

/** Evens out what versions of Nix write differently for the same `flake.nix`: branches, and `?dir=` in a Git URL. */
function oneSpelling(name: string, value: JsonValue): JsonValue {
  if (typeof value !== 'string') return value;
  if (name === 'ref') return value.replace(/^refs\/heads\//, '');
  if (name === 'url')
    return value.replace(/([?&])dir=[^&#]*(&|$)/, (_, start: string, end: string) => (end === '' ? '' : start));
  return value;
}
