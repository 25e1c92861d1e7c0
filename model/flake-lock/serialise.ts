import type { FlakeLock, JsonValue, LockEdge, LockNode } from './types.js';
import { compareNames, sortedInputs } from './walk.js';

type Json = JsonValue | ReadonlyMap<string, Json> | readonly Json[];

/**
 * The text of a lock as Nix writes it, byte for byte: version 7, nodes named after the inputs that lead to them first,
 * keys sorted, two spaces, a line feed at the end. Names in the file that was read play no part, as in Nix.
 */
export function serialiseLock(lock: FlakeLock): string {
  const names = nodeNames(lock);
  const nodes = new Map<string, Json>([...names].map(([node, name]) => [name, nodeJson(node, names)]));
  return `${stringify(
    new Map<string, Json>([
      ['nodes', nodes],
      ['root', ROOT],
      ['version', 7],
    ]),
  )}\n`;
}

const ROOT = 'root';

/** JSON in Nix's layout, of maps and plain values alike. Maps are safe for names such as `__proto__` and `1`. */
export function stringify(value: Json, indent = ''): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const deeper = `${indent}  `;
  const block = (open: string, members: readonly string[], close: string): string =>
    members.length === 0
      ? open + close
      : `${open}\n${members.map((one) => deeper + one).join(',\n')}\n${indent}${close}`;
  if (isList(value))
    return block(
      '[',
      value.map((one) => stringify(one, deeper)),
      ']',
    );
  const members =
    value instanceof Map
      ? [...(value as ReadonlyMap<string, Json>)]
      : Object.entries<Json>(value as Record<string, Json>);
  const lines = members
    .sort(([a], [b]) => compareNames(a, b))
    .map(([name, member]) => `${JSON.stringify(name)}: ${stringify(member, deeper)}`);
  return block('{', lines, '}');
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

/**
 * Nix's names: depth first, inputs in sorted order, each node named after the input that reaches it first, before those
 * below it; a name that is taken gets `_2`, `_3`, … behind it.
 */
function nodeNames(lock: FlakeLock): ReadonlyMap<LockNode, string> {
  const names = new Map<LockNode, string>();
  const taken = new Set<string>();
  const stack: { readonly input: string; readonly edge: LockEdge }[] = [
    { input: ROOT, edge: { kind: 'node', node: lock.root } },
  ];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (next.edge.kind === 'follows' || names.has(next.edge.node)) continue;
    const name = freeName(next.input, taken);
    taken.add(name);
    names.set(next.edge.node, name);
    stack.push(
      ...sortedInputs(next.edge.node)
        .map(([input, edge]) => ({ input, edge }))
        .reverse(),
    );
  }
  return names;
}

function freeName(wanted: string, taken: ReadonlySet<string>): string {
  if (!taken.has(wanted)) return wanted;
  let number = 2;
  while (taken.has(`${wanted}_${number}`)) number += 1;
  return `${wanted}_${number}`;
}

function nodeJson(node: LockNode, names: ReadonlyMap<LockNode, string>): ReadonlyMap<string, Json> {
  const json = new Map<string, Json>();
  if (node.inputs.size > 0)
    json.set('inputs', new Map([...node.inputs].map(([name, edge]) => [name, edgeJson(edge, names)])));
  if (node.locked !== null) json.set('locked', node.locked);
  if (node.original !== null) json.set('original', node.original);
  if (!node.flake) json.set('flake', false);
  if (node.parent !== null) json.set('parent', node.parent);
  return json;
}

const edgeJson = (edge: LockEdge, names: ReadonlyMap<LockNode, string>): Json =>
  edge.kind === 'follows' ? edge.path : (names.get(edge.node) ?? ROOT);
