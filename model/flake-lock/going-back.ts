import { inputRevision, sameContent } from './content.js';
import { sameWish } from './repointed.js';
import { textAttribute, type FlakeLock, type InputPath, type LockNode } from './types.js';
import { inputsBelow, nodeOfInput, rootInputs } from './walk.js';

/** A root input that an update takes to an older revision of what it follows upstream. */
export interface GoingBack {
  readonly name: string;
  /** The input itself, or the one below it that goes back while it stays. */
  readonly path: InputPath;
  readonly from: LockNode;
  readonly to: LockNode;
}

/**
 * Root inputs that go back between two locks, sorted by name: `flake.nix` asks for the same, both revisions have a date, and the
 * new one is older. What an input brings along counts only while it stays itself, for then upstream was asked for that as well.
 */
export function goingBack(before: FlakeLock, after: FlakeLock): readonly GoingBack[] {
  const found: GoingBack[] = [];
  for (const { name, follows } of rootInputs(after)) {
    if (follows !== null) continue;
    const itself = pairAt(before, after, [name]);
    if (itself === null) continue;
    const pairs = sameContent(itself.from, itself.to) ? pairsBelow(before, after, name) : [itself];
    const back = pairs.find(({ from, to }) => isOlder(from, to));
    if (back !== undefined) found.push({ name, ...back });
  }
  return found;
}

/** Why such an input stays, and what to do if it is to go back. */
export function goingBackWords({ name, path, from, to }: GoingBack): string {
  const what = path.length === 1 ? 'it' : path.join('/');
  return (
    `${what} would go back from ${revision(from)} to ${revision(to)}, which is older: ` +
    `if upstream was taken back on purpose, let a person decide with --input ${name} --approve`
  );
}

type Pair = Pick<GoingBack, 'path' | 'from' | 'to'>;

function pairAt(before: FlakeLock, after: FlakeLock, path: InputPath): Pair | null {
  const [from, to] = [nodeOfInput(before, path), nodeOfInput(after, path)];
  return from === null || to === null ? null : { path, from, to };
}

const pairsBelow = (before: FlakeLock, after: FlakeLock, name: string): readonly Pair[] =>
  inputsBelow(after, name)
    .filter(({ path, edge }) => path.length > 1 && edge.kind === 'node')
    .flatMap(({ path }) => pairAt(before, after, path) ?? []);

/** Dates of folders are those of their files, and say nothing of a revision. */
function isOlder(from: LockNode, to: LockNode): boolean {
  const [was, is] = [from, to].map(({ locked }) => locked?.get('lastModified'));
  if (typeof was !== 'number' || typeof is !== 'number' || is >= was) return false;
  return sameWish(from, to) && textAttribute(to.locked, 'type') !== 'path' && !sameContent(from, to);
}

/** `1a2b3c4d (2026-11-20 14:03)` */
function revision(node: LockNode): string {
  const seconds = node.locked?.get('lastModified');
  const when = typeof seconds === 'number' ? new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ') : '';
  return `${inputRevision(node)?.short ?? ''} (${when})`;
}
