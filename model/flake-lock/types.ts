/**
 * A `flake.lock` as a graph. Node names are only how the file spells its edges: they mean nothing outside one file, and
 * the same input has another name in the next. What counts is the path of input names from the root.
 */
export interface FlakeLock {
  /** Version of the file that was read. What is written is always version 7, as Nix does. */
  readonly version: 5 | 6 | 7;
  readonly root: LockNode;
}

/** One node. Nodes are told apart by identity: a node that two inputs share is one object. Cycles are possible. */
export interface LockNode {
  readonly inputs: ReadonlyMap<string, LockEdge>;
  /** Where the input was fetched from, and what is to be there; `null` for the root alone. */
  readonly locked: SourceAttributes | null;
  /** What `flake.nix` asks for; `null` for the root alone. */
  readonly original: SourceAttributes | null;
  /** False for inputs with `flake = false`. */
  readonly flake: boolean;
  /** Input path of the flake that a relative path counts from (Nix 2.26 and later). */
  readonly parent: InputPath | null;
}

/** Either a node of its own, or the input that is followed: a path from the root, `[]` being the root itself. */
export type LockEdge =
  { readonly kind: 'node'; readonly node: LockNode } | { readonly kind: 'follows'; readonly path: InputPath };

/** Input names from the root. Names may hold dots, so this is never a string. */
export type InputPath = readonly string[];

/** Attributes of a source as the file has them, unknown ones and unknown types too. */
export type SourceAttributes = ReadonlyMap<string, JsonValue>;

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

export type FlakeLockProblem =
  | 'missing'
  | 'empty'
  | 'not-json'
  | 'older-version'
  | 'newer-version'
  | 'malformed'
  | 'dangling-node'
  | 'follows-cycle'
  | 'not-composable';

/** Why a lock can't be read or made: one sentence for people, with the way out. */
export class FlakeLockError extends Error {
  override readonly name = 'FlakeLockError';

  constructor(
    readonly problem: FlakeLockProblem,
    message: string,
  ) {
    super(message);
  }
}

/** An attribute that is a text; `null` when it is missing, empty or something else. */
export function textAttribute(attributes: SourceAttributes | null, name: string): string | null {
  const value = attributes?.get(name);
  return typeof value === 'string' && value !== '' ? value : null;
}
