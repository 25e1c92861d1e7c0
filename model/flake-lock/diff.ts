import type { MovedInput, NestedMove } from '../verify/candidate.js';
import { compareUrl } from './compare-url.js';
import { inputRevision, sameContent } from './content.js';
import { goingBack } from './going-back.js';
import { sourceOf } from './sources.js';
import { repointedFirst } from './repointed-first.js';
import { textAttribute, type FlakeLock, type InputPath, type LockEdge, type LockNode } from './types.js';
import { compareNames, nodeOfEdge } from './walk.js';

/**
 * Root inputs whose content differs between two locks, in themselves or in what they bring along, sorted by name. Inputs
 * are told apart by their paths. An input that follows the same one as before has not moved: what it follows has.
 * Without a lock before (`null`) every input is new.
 */
export function movedInputs(before: FlakeLock | null, after: FlakeLock): MovedInput[] {
  const names = new Set([...(before?.root.inputs.keys() ?? []), ...after.root.inputs.keys()]);
  const back = before === null ? [] : goingBack(before, after).map(({ name }) => name);
  const moved: MovedInput[] = [];
  for (const name of [...names].sort(compareNames)) {
    const pair = inputPair(before, after, before?.root, after.root, name);
    const itself = pair !== null && !sameNode(pair.before, pair.after);
    const nested = pair === null ? [] : movedBelow(before, after, pair, name);
    if (pair !== null && (itself || nested.length > 0))
      moved.push({ ...movedInput(name, pair, nested), ...(back.includes(name) ? { goesBack: true } : {}) });
  }
  return moved;
}

/** What an input leads to in the two locks, every `follows` resolved; `null` where it leads nowhere. */
interface NodePair {
  readonly before: LockNode | null;
  readonly after: LockNode | null;
}

/** Nested inputs of one root input that are told with their revisions; the others only by name. */
const NESTED_TOLD = 100;

function movedInput(name: string, pair: NodePair, nested: readonly NestedPair[]): MovedInput {
  const { before, after } = pair;
  return {
    name,
    kind: textAttribute(after?.locked ?? null, 'type') ?? textAttribute(before?.locked ?? null, 'type') ?? 'unknown',
    ...revisions(pair),
    nested: nested.map(({ path }) => path),
    ...(nested.length === 0 ? {} : { nestedMoves: repointedFirst(nested.map(nestedMove)).slice(0, NESTED_TOLD) }),
  };
}

function nestedMove(pair: NestedPair): NestedMove {
  const { before, after, path } = pair;
  const source = otherSource(before, after);
  return { path, ...revisions(pair), ...(source === null ? {} : { source }) };
}

/** Where a nested input comes from now, if that is elsewhere than before. */
function otherSource(before: LockNode | null, after: LockNode | null): { from: string; to: string } | null {
  const [was, is] = [before, after].map((node) => (node === null ? null : publishedAs(node)));
  return was == null || is == null || was.key === is.key ? null : { from: was.text, to: is.text };
}

/** A source without revision. An archive's address changes: what was asked for counts, and the host that gave it. */
function publishedAs({ locked, original }: LockNode): { readonly key: string; readonly text: string } | null {
  if (locked === null) return null;
  const { text, origin } = sourceOf(locked, []);
  const type = textAttribute(locked, 'type');
  if ((type !== 'tarball' && type !== 'file') || original === null) return { key: text, text };
  const asked = sourceOf(original, []).text;
  return { key: `${origin} ${asked}`, text: asked };
}

function revisions({ before, after }: NodePair): Pick<NestedMove, 'from' | 'to' | 'compareUrl'> {
  const [was, is] = [before?.locked ?? null, after?.locked ?? null];
  return {
    from: inputRevision(before),
    to: inputRevision(after),
    compareUrl: was === null || is === null ? null : compareUrl(was, is),
  };
}

interface NestedPair extends NodePair {
  /** `a/b` */
  readonly path: string;
}

/** A pair of nodes on its way down, with the inputs that are written at this path: none in a lock that follows another here. */
interface BelowPair extends NodePair {
  readonly own: NodePair;
  readonly path: InputPath;
}

/**
 * Nested inputs that differ below a pair of nodes. Only what one of the locks has at that path is named: what is reached
 * through a `follows` is another's, and named there. A pair that is met again (shared nodes, cycles) is done.
 */
function movedBelow(before: FlakeLock | null, after: FlakeLock, top: NodePair, name: string): NestedPair[] {
  const moved: NestedPair[] = [];
  const seen = new Map<LockNode, BelowPair[]>();
  const roots = { before: before?.root ?? null, after: after.root };
  const todo: BelowPair[] = [{ ...top, own: ownNodes(roots, name), path: [name] }];
  for (let pair = todo.pop(); pair !== undefined; pair = todo.pop()) {
    if (pair.before === null || pair.after === null) continue;
    if (pair.before === roots.before || pair.after === roots.after) continue;
    const met = seen.get(pair.before) ?? [];
    if (met.some((one) => isSamePair(one, pair) && isSamePair(one.own, pair.own))) continue;
    seen.set(pair.before, [...met, pair]);
    for (const input of new Set([...inputNames(pair.own.before), ...inputNames(pair.own.after)])) {
      const below = inputPair(before, after, pair.before, pair.after, input);
      if (below === null) continue;
      const path = [...pair.path, input];
      // What only comes from elsewhere is what its parent asks for now, and may be anything from the next update on.
      const isElsewhere = !sameNode(pair.before, pair.after) && otherSource(below.before, below.after) !== null;
      if (isElsewhere || !sameNode(below.before, below.after)) moved.push({ ...below, path: path.join('/') });
      todo.push({ ...below, own: ownNodes(pair.own, input), path });
    }
  }
  return moved.sort((one, other) => compareNames(one.path, other.path));
}

const inputNames = (node: LockNode | null): Iterable<string> => node?.inputs.keys() ?? [];

const isSamePair = (one: NodePair, other: NodePair): boolean =>
  one.before === other.before && one.after === other.after;

/** The nodes that two nodes have for one input of their own. */
function ownNodes({ before, after }: NodePair, name: string): NodePair {
  const [was, is] = [before?.inputs.get(name), after?.inputs.get(name)];
  return { before: was?.kind === 'node' ? was.node : null, after: is?.kind === 'node' ? is.node : null };
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
