import { stripControl, truncate } from '../text/text.js';
import { followsCycle } from './walk.js';
import { FlakeLockError } from './types.js';
import type { FlakeLock, InputPath, JsonValue, LockEdge, LockNode, SourceAttributes } from './types.js';

type JsonObject = Readonly<Record<string, JsonValue>>;

interface MutableNode extends LockNode {
  readonly inputs: Map<string, LockEdge>;
}

/**
 * Reads a `flake.lock` of version 5, 6 or 7. `null` stands for a file that isn't there. Like Nix, it looks only at nodes
 * that the root reaches; unlike Nix, it also refuses `follows` that go round in circles. Throws `FlakeLockError`.
 */
export function parseFlakeLock(text: string | null): FlakeLock {
  const file = topLevel(text);
  const version = checkVersion(file.version);
  const { nodes, root: rootName } = file;
  if (!isObject(nodes)) throw malformed('"nodes" is not an object');
  if (typeof rootName !== 'string') throw malformed('"root" is not the name of a node');
  const lock: FlakeLock = { version, root: buildGraph(nodes, rootName) };
  const cycle = followsCycle(lock);
  if (cycle !== null) {
    const input = show(cycle.join('/'));
    throw new FlakeLockError(
      'follows-cycle',
      `flake.lock: input ${input} follows itself by way of others; correct the "follows" in flake.nix and run \`nix flake lock\`.`,
    );
  }
  return lock;
}

function topLevel(text: string | null): JsonObject {
  if (text === null)
    throw new FlakeLockError(
      'missing',
      'There is no flake.lock; run `nix flake lock`, then commit the file (a flake without inputs has none, and nothing to update).',
    );
  if (text.trim() === '')
    throw new FlakeLockError(
      'empty',
      'flake.lock is empty; restore the file from an older commit, or remove it and run `nix flake lock`; then commit it.',
    );
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (error) {
    throw notJson(text, error);
  }
  if (!isObject(value)) throw malformed('it is not a JSON object');
  return value;
}

/** A lock for looking at; `null` when there is none, or one that Nix refuses and tells of itself. */
export function readableFlakeLock(text: string | null): FlakeLock | null {
  try {
    return text === null ? null : parseFlakeLock(text);
  } catch (error) {
    if (error instanceof FlakeLockError) return null;
    throw error;
  }
}

function notJson(text: string, error: unknown): FlakeLockError {
  const restore = 'restore the file from an older commit, or remove it and run `nix flake lock`; then commit it.';
  if (/^<{7} /m.test(text)) return new FlakeLockError('not-json', `flake.lock holds an unresolved merge; ${restore}`);
  if (text.trimStart().startsWith('{') && !text.trimEnd().endsWith('}'))
    return new FlakeLockError('not-json', `flake.lock is cut off; ${restore}`);
  const reason = error instanceof Error ? show(error.message) : 'unknown';
  return new FlakeLockError('not-json', `flake.lock is not JSON (${reason}); ${restore}`);
}

function checkVersion(version: JsonValue | undefined): FlakeLock['version'] {
  if (version === 5 || version === 6 || version === 7) return version;
  if (typeof version !== 'number' || !Number.isInteger(version)) throw malformed('"version" is not a whole number');
  if (version < 5)
    throw new FlakeLockError(
      'older-version',
      `flake.lock has version ${version}, older than 5; remove it and run \`nix flake lock\` with Nix 2.4 or later.`,
    );
  throw new FlakeLockError(
    'newer-version',
    `flake.lock has version ${version}, and this program knows 5 to 7; update Lockkeeper, or write the lock again with a Nix that makes version 7.`,
  );
}

/** Makes the nodes that can be reached from the root, each once. A queue instead of recursion: locks may be deep. */
function buildGraph(nodes: JsonObject, rootName: string): LockNode {
  const made = new Map<string, MutableNode>();
  const queue: { readonly node: MutableNode; readonly name: string; readonly inputs: JsonValue | undefined }[] = [];
  const make = (name: string, referredBy: string): MutableNode => {
    const known = made.get(name);
    if (known !== undefined) {
      if (name === rootName) throw malformed(`${referredBy} has the root as a node of its own`);
      return known;
    }
    const json = Object.hasOwn(nodes, name) ? nodes[name] : undefined;
    if (json === undefined)
      throw new FlakeLockError(
        'dangling-node',
        `flake.lock: ${referredBy} refers to node ${show(name)}, which does not exist; restore the file from Git, or remove it and run \`nix flake lock\`.`,
      );
    if (!isObject(json)) throw malformed(`node ${show(name)} is not an object`);
    const node = name === rootName ? rootNode() : lockedNode(json, name);
    made.set(name, node);
    queue.push({ node, name, inputs: json.inputs });
    return node;
  };
  const root = make(rootName, '"root"');
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { node, name, inputs } = next;
    if (inputs === undefined) continue;
    if (!isObject(inputs)) throw malformed(`"inputs" of node ${show(name)} is not an object`);
    for (const [input, target] of Object.entries(inputs)) {
      const label = `input ${show(input)} of node ${show(name)}`;
      node.inputs.set(input, edge(target, label, make));
    }
  }
  return root;
}

function edge(target: JsonValue, label: string, make: (name: string, referredBy: string) => LockNode): LockEdge {
  if (typeof target === 'string') return { kind: 'node', node: make(target, label) };
  if (isPath(target)) return { kind: 'follows', path: target };
  throw malformed(`${label} is neither a node's name nor a path to follow`);
}

const rootNode = (): MutableNode => ({ inputs: new Map(), locked: null, original: null, flake: true, parent: null });

function lockedNode(json: JsonObject, name: string): MutableNode {
  const { locked, original, info, flake = true, parent } = json;
  if (!isObject(locked)) throw malformed(`node ${show(name)} has no "locked" attributes`);
  if (!isObject(original)) throw malformed(`node ${show(name)} has no "original" attributes`);
  if (typeof flake !== 'boolean') throw malformed(`"flake" of node ${show(name)} is neither true nor false`);
  if (parent !== undefined && !isPath(parent)) throw malformed(`"parent" of node ${show(name)} is not an input path`);
  return {
    inputs: new Map(),
    locked: attributes(locked, isObject(info) ? info : {}),
    original: attributes(original),
    flake,
    parent: parent ?? null,
  };
}

/** Version 5 keeps narHash and lastModified apart, as `info`; Nix puts them back together as here. */
const attributes = (...parts: readonly JsonObject[]): SourceAttributes =>
  new Map(parts.flatMap(Object.entries<JsonValue>));

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isPath = (value: JsonValue): value is InputPath =>
  Array.isArray(value) && value.every((part) => typeof part === 'string');

/** Text out of the file, fit for a message. */
const show = (text: string): string => JSON.stringify(truncate(stripControl(text), 200));

const malformed = (what: string): FlakeLockError =>
  new FlakeLockError(
    'malformed',
    `flake.lock is not one that Nix wrote: ${what}; restore it from Git, or remove it and run \`nix flake lock\`.`,
  );
