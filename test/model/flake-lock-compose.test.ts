import assert from 'node:assert/strict';
import { test } from 'node:test';
import { composeLock } from '../../model/flake-lock/compose.js';
import { movedInputs } from '../../model/flake-lock/diff.js';
import { parseFlakeLock } from '../../model/flake-lock/parse.js';
import { serialiseLock } from '../../model/flake-lock/serialise.js';
import { FlakeLockError, type FlakeLock } from '../../model/flake-lock/types.js';
import { nodeOfInput } from '../../model/flake-lock/walk.js';
import { fixture, hex, numbers, scrambledText, sketchedLock } from '../support/locks.js';
import type { Sketch, Sketches } from '../support/locks.js';

type Numbers = (below: number) => number;
const ROOTS = ['a', 'b', 'c', 'nixpkgs', 'systems', 'utils'];

/** A lock with nested inputs up to three deep, some of which follow root inputs. The shape depends on `shape` alone. */
function randomInputs(shape: Numbers, revision: Numbers): Sketches {
  const below = (depth: number): Sketch => {
    const count = depth < 3 ? shape(4) : 0;
    const inputs = Array.from({ length: count }, (): [string, Sketch] => {
      const name = ROOTS[shape(ROOTS.length)] ?? 'a';
      return [name, shape(3) === 0 ? [ROOTS[shape(ROOTS.length)] ?? 'a'] : below(depth + 1)];
    });
    return { rev: revision(6), inputs: Object.fromEntries(inputs) };
  };
  return Object.fromEntries(ROOTS.map((name) => [name, below(0)]));
}

const namesOf = (moved: ReturnType<typeof movedInputs>): string[] => moved.map(({ name }) => name);
const pair = (seed: number): { base: FlakeLock; candidate: FlakeLock } => ({
  base: sketchedLock(randomInputs(numbers(seed), numbers(seed + 1))),
  candidate: parseFlakeLock(scrambledText(randomInputs(numbers(seed), numbers(seed + 2)))),
});

test('moving nothing gives base, and moving everything gives the candidate', () => {
  for (let seed = 0; seed < 50; seed += 1) {
    const { base, candidate } = pair(seed * 7);
    assert.equal(serialiseLock(composeLock({ base, candidate, move: [] })), serialiseLock(base));
    assert.equal(serialiseLock(composeLock({ base, candidate, move: ROOTS })), serialiseLock(candidate));
  }
});

test('moving some inputs moves these alone', () => {
  for (let seed = 0; seed < 50; seed += 1) {
    const { base, candidate } = pair(seed * 11);
    const pick = numbers(seed);
    const move = ROOTS.filter(() => pick(2) === 0);
    const composed = composeLock({ base, candidate, move });
    const all = namesOf(movedInputs(base, candidate));
    assert.deepEqual(
      namesOf(movedInputs(base, composed)),
      all.filter((name) => move.includes(name)),
    );
    assert.deepEqual(
      namesOf(movedInputs(composed, candidate)),
      all.filter((name) => !move.includes(name)),
    );
    const rest = ROOTS.filter((name) => !move.includes(name));
    assert.equal(serialiseLock(composeLock({ base: composed, candidate, move: rest })), serialiseLock(candidate));
    assert.equal(serialiseLock(parseFlakeLock(serialiseLock(composed))), serialiseLock(composed));
  }
});

test('the whole subtree comes along, and nodes are named anew', () => {
  const base = sketchedLock({ a: { rev: 1, inputs: { n: { rev: 2 } } }, b: { rev: 3, inputs: { n: { rev: 4 } } } });
  const candidate = sketchedLock({
    a: { rev: 5 },
    b: { rev: 6, inputs: { n: { rev: 7, inputs: { a: { rev: 8 } } } } },
  });
  const composed = composeLock({ base, candidate, move: ['b'] });
  assert.deepEqual(
    [['a'], ['a', 'n'], ['b'], ['b', 'n'], ['b', 'n', 'a']].map((path) =>
      nodeOfInput(composed, path)?.locked?.get('rev'),
    ),
    [1, 2, 6, 7, 8].map(hex),
  );
  const names = Object.keys((JSON.parse(serialiseLock(composed)) as { nodes: object }).nodes);
  assert.deepEqual(names, ['a', 'a_2', 'b', 'n', 'n_2', 'root']);
});

test('a nested move comes with its root input, and an input that follows stays with what it follows', () => {
  const [base, candidate] = [fixture('follows'), fixture('follows-nested-moved')];
  const composed = composeLock({ base, candidate, move: ['deploy'] });
  assert.equal(serialiseLock(composed), serialiseLock(candidate));
  assert.equal(nodeOfInput(composed, ['systems'])?.locked?.get('rev'), 'f'.repeat(40));
});

test('inputs that the candidate dropped or added are dropped or added when they are named', () => {
  const base = sketchedLock({ a: { rev: 1 }, old: { rev: 2 } });
  const candidate = sketchedLock({ a: { rev: 3 }, new: ['a'] });
  const names = (move: string[]): string[] => [...composeLock({ base, candidate, move }).root.inputs.keys()].sort();
  assert.deepEqual(names(['old']), ['a']);
  assert.deepEqual(names(['new']), ['a', 'new', 'old']);
  assert.deepEqual(names(['unheard-of']), ['a', 'old']);
});

test('inputs that only make sense together are refused apart, with the name of the one that would lose its way', () => {
  const base = sketchedLock({ a: { rev: 1, inputs: { n: { rev: 2 } } }, b: ['a', 'n'] });
  const candidate = sketchedLock({ a: { rev: 3 }, b: { rev: 4 } });
  const refused = (error: unknown): boolean =>
    error instanceof FlakeLockError &&
    error.problem === 'not-composable' &&
    error.message.startsWith('Input b follows');
  assert.throws(() => composeLock({ base, candidate, move: ['a'] }), refused);
  assert.equal(composeLock({ base, candidate, move: ['b'] }).root.inputs.size, 2);
  const circle = sketchedLock({ a: { rev: 1, inputs: { n: ['b'] } }, b: { rev: 2 } });
  assert.throws(() => composeLock({ base, candidate: circle, move: ['a'] }), FlakeLockError);
});

test('a lock of 75 nodes and 179 follows is composed in a moment', () => {
  const large = (rev: number): Sketches => {
    const roots = Array.from({ length: 37 }, (_, n): [string, Sketch] => {
      const follows = Array.from({ length: n < 31 ? 5 : 4 }, (_, f): [string, Sketch] => [
        `f${f}`,
        [`i${(n + f + 1) % 37}`],
      ]);
      return [`i${n}`, { rev: rev + n, inputs: { leaf: { rev: rev + 100 + n }, ...Object.fromEntries(follows) } }];
    });
    return Object.fromEntries(roots);
  };
  const [base, candidate] = [sketchedLock(large(1)), sketchedLock(large(1_000))];
  assert.equal(serialiseLock(base).split('"locked"').length - 1, 74);
  assert.equal(base.root.inputs.size * 5 - 6, 179);
  const started = performance.now();
  for (const move of ['i0', 'i17', 'i36']) {
    const moved = movedInputs(base, composeLock({ base, candidate, move: [move] }));
    assert.deepEqual(
      moved.map(({ name, nested }) => [name, ...nested]),
      [[move, `${move}/leaf`]],
    );
  }
  assert.ok(performance.now() - started < 1_000);
});
