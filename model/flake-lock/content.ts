import type { InputRevision } from '../verify/candidate.js';
import { textAttribute, type LockNode, type SourceAttributes } from './types.js';

/**
 * Whether two nodes lock the same content: revision and narHash as far as both have them, and the same part of it
 * (`dir`, `flake`). How the source is spelled (`ref`, URL, `parent`) is left out: versions of Nix differ in it.
 */
export function sameContent(before: LockNode, after: LockNode): boolean {
  if (before === after) return true;
  if (before.locked === null || after.locked === null) return before.locked === after.locked;
  if (before.flake !== after.flake || folder(before.locked) !== folder(after.locked)) return false;
  const [hash, revision] = ['narHash', 'rev'].map((name) => compare(before.locked, after.locked, name));
  if (hash === 'differs' || revision === 'differs') return false;
  if (hash === 'equal' || revision === 'equal') return true;
  if (revision === 'one-sided') return false;
  return SOURCE_NAMES.every((name) => textAttribute(before.locked, name) === textAttribute(after.locked, name));
}

/** What a node is locked to, for people; `null` when it has neither revision nor narHash (relative paths). */
export function inputRevision(node: LockNode | null): InputRevision | null {
  const locked = node?.locked ?? null;
  const rev = textAttribute(locked, 'rev');
  const revision = rev ?? textAttribute(locked, 'narHash');
  if (revision === null) return null;
  const short = rev === null ? revision.replace(/^sha\d+[-:]/, '').slice(0, 11) : rev.slice(0, 8);
  return { revision, short, date: day(locked?.get('lastModified')) };
}

/** What tells two sources apart of which nothing is locked, such as relative paths in locks of Nix 2.26 and later. */
const SOURCE_NAMES = ['type', 'host', 'owner', 'repo', 'id', 'url', 'path'];

function compare(before: SourceAttributes | null, after: SourceAttributes | null, name: string) {
  const [a, b] = [textAttribute(before, name), textAttribute(after, name)];
  if (a === null && b === null) return 'unknown';
  if (a === null || b === null) return 'one-sided';
  return a === b ? 'equal' : 'differs';
}

/** Nix 2.8 writes the folder of a Git input in `dir` and again in the URL; in old locks it is in the URL alone. */
const folder = (locked: SourceAttributes): string =>
  textAttribute(locked, 'dir') ?? /[?&]dir=([^&#]*)/.exec(textAttribute(locked, 'url') ?? '')?.[1] ?? '';

/** `YYYY-MM-DD` in UTC of seconds since 1970. */
function day(seconds: unknown): string | null {
  const latest = Date.UTC(9999, 11, 31) / 1000;
  if (typeof seconds !== 'number' || !(seconds > 0 && seconds <= latest)) return null;
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}
