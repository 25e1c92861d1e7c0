import { readFileSync } from 'node:fs';
import { parseFlakeLock } from '../../model/flake-lock/parse.js';
import { serialiseLock } from '../../model/flake-lock/serialise.js';
import type { FlakeLock } from '../../model/flake-lock/types.js';

/** Text of a lock in `test/fixtures/locks/`; compiled tests lie one folder deeper than their sources. */
export const fixtureText = (name: string): string =>
  readFileSync(new URL(`../../../test/fixtures/locks/${name}.json`, import.meta.url), 'utf8');

export const fixture = (name: string): FlakeLock => parseFlakeLock(fixtureText(name));

/** An input of a made-up lock: what it follows, or what it is locked to (`rev` is a number) and brings along. */
export type Sketch = readonly string[] | { readonly rev: number; readonly inputs?: Sketches };
export type Sketches = Readonly<Record<string, Sketch>>;

/** A lock in Nix's own spelling, from a sketch of its inputs. */
export function sketchedLock(inputs: Sketches): FlakeLock {
  return parseFlakeLock(serialiseLock(parseFlakeLock(scrambledText(inputs))));
}

/** A lock whose node names tell nothing: they are numbered in the order in which they come. */
export function scrambledText(inputs: Sketches): string {
  const nodes: Record<string, unknown> = {};
  let count = 0;
  const edges = (sketches: Sketches): unknown =>
    Object.fromEntries(
      Object.entries(sketches).map(([name, sketch]) => [name, 'rev' in sketch ? add(name, sketch) : sketch]),
    );
  const add = (name: string, { rev, inputs: below = {} }: Extract<Sketch, { rev: number }>): string => {
    count += 1;
    const key = `n${count}`;
    const source = { type: 'github', owner: 'owner', repo: name };
    const locked = { ...source, rev: hex(rev), narHash: `sha256-${hex(rev)}`, lastModified: 1_700_000_000 + rev };
    nodes[key] = { locked, original: source, inputs: edges(below) };
    return key;
  };
  nodes.top = { inputs: edges(inputs) };
  return JSON.stringify({ version: 7, root: 'top', nodes });
}

export const hex = (rev: number): string => rev.toString(16).padStart(40, '0');

/** Numbers from 0 to `below` - 1 that are the same for the same seed (a linear congruential generator). */
export function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
