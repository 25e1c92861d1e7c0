import assert from 'node:assert/strict';
import { test } from 'node:test';
import { composeLock } from '../../model/flake-lock/compose.js';
import type { FlakeLock } from '../../model/flake-lock/types.js';
import { nodeOfInput } from '../../model/flake-lock/walk.js';
import { FlakeLockError } from '../../model/flake-lock/types.js';
import { allInputs } from '../../model/flake-lock/walk.js';
import { inputGroups } from '../../model/flake-lock/inseparable.js';
import { numbers, sketchedLock } from '../support/locks.js';
import type { Sketch, Sketches } from '../support/locks.js';

test('inputs belong together when one follows what only the other brings, and any choice of groups composes', () => {
  const base = sketchedLock({ a: { rev: 1 }, b: { rev: 1 }, c: { rev: 1 } });
  const candidate = sketchedLock({
    a: { rev: 2, inputs: { systems: ['c', 'systems'] } },
    b: { rev: 2 },
    c: { rev: 2, inputs: { systems: { rev: 2 } } },
  });
  const groups = inputGroups(base, candidate, ['a', 'b', 'c']);
  assert.deepEqual(groups, [['a', 'c'], ['b']]);
  for (let choice = 0; choice < 4; choice += 1) {
    const move = groups.filter((_, index) => (choice & (1 << index)) !== 0).flat();
    assert.doesNotThrow(() => composeLock({ base, candidate, move }));
  }
});

test('in any choice of groups of any two locks, nothing follows what is not there', () => {
  let tried = 0;
  let apart = 0;
  for (let seed = 0; tried < 150; seed += 1) {
    const next = numbers(seed * 7919);
    const [base, candidate] = [anyLock(next, 1), anyLock(next, 2)];
    if (base === null || candidate === null) continue;
    tried += 1;
    const groups = inputGroups(base, candidate, ROOTS);
    if (groups.length > 1) apart += 1;
    assert.deepEqual(groups.flat().sort(), ROOTS, `seed ${seed}`);
    for (let choice = 0; choice < 2 ** groups.length; choice += 1) {
      const move = groups.filter((_, index) => (choice & (1 << index)) !== 0).flat();
      assert.doesNotThrow(() => composeLock({ base, candidate, move }), `seed ${seed}: ${move.join()}`);
    }
  }
  assert.ok(apart > 75, 'most locks can be taken apart');
});

const ROOTS = ['a', 'b', 'c', 'd', 'e'];

/** A lock in which inputs below these follow one another in any way; `null` when Nix would not write it. */
function anyLock(next: (below: number) => number, rev: number): FlakeLock | null {
  const pick = (names: readonly string[]): string => names[next(names.length)] ?? '';
  const below = (): Sketch => {
    const kind = next(4);
    if (kind === 0) return { rev };
    return kind === 1 ? [pick(ROOTS)] : [pick(ROOTS), pick(['x', 'y'])];
  };
  const inputs = (): Sketches =>
    Object.fromEntries(['x', 'y'].filter(() => next(4) > 0).map((name) => [name, below()]));
  try {
    const lock = sketchedLock(Object.fromEntries(ROOTS.map((name) => [name, { rev, inputs: inputs() }])));
    const leads = allInputs(lock).every(({ edge }) => edge.kind !== 'follows' || nodeOfInput(lock, edge.path) !== null);
    return leads ? lock : null;
  } catch (error) {
    if (error instanceof FlakeLockError && error.problem === 'follows-cycle') return null;
    throw error;
  }
}

test('an input that stays may follow one that moved: they are groups of their own', () => {
  const inputs = (rev: number) => ({ a: { rev, inputs: { nixpkgs: ['nixpkgs'] } }, nixpkgs: { rev } });
  assert.deepEqual(inputGroups(sketchedLock(inputs(1)), sketchedLock(inputs(2)), ['a', 'nixpkgs']), [
    ['a'],
    ['nixpkgs'],
  ]);
});

/** As many inputs as a large fleet has, which follow nixpkgs, things below themselves and things below a hub. */
const hubAndOthers = (count: number, rev: number): Sketches => ({
  hub: { rev, inputs: { lib: { rev }, systems: ['systems'] } },
  nixpkgs: { rev },
  systems: { rev },
  ...Object.fromEntries(
    Array.from({ length: count }, (_, n): [string, Sketch] => {
      const name = `i${String(n).padStart(2, '0')}`;
      const tool: Sketch = { rev, inputs: { lib: [name, 'lib'], nixpkgs: ['nixpkgs'] } };
      return [name, { rev, inputs: { lib: ['hub', 'lib'], nixpkgs: ['nixpkgs'], systems: ['hub', 'systems'], tool } }];
    }),
  ),
});

test('inputs that follow what both locks have are groups of their own, however many they are', () => {
  const [base, candidate] = [sketchedLock(hubAndOthers(37, 1)), sketchedLock(hubAndOthers(37, 2))];
  const moved = [...base.root.inputs.keys()];
  const started = performance.now();
  assert.deepEqual(
    inputGroups(base, candidate, moved),
    moved.map((name) => [name]),
  );
  assert.ok(performance.now() - started < 1_000);
});

test('what an input no longer brings joins it with those that follow it there, and with nobody else', () => {
  const inputs = (rev: number, lib: Sketch | null): Sketches => ({
    hub: { rev, inputs: lib === null ? {} : { lib: { rev } } },
    one: { rev, inputs: { lib: lib ?? { rev } } },
    two: { rev, inputs: { lib: lib ?? { rev } } },
    other: { rev, inputs: { nixpkgs: ['nixpkgs'] } },
    nixpkgs: { rev },
  });
  const [base, candidate] = [sketchedLock(inputs(1, ['hub', 'lib'])), sketchedLock(inputs(2, null))];
  assert.deepEqual(inputGroups(base, candidate, ['nixpkgs', 'one', 'other', 'two', 'hub']), [
    ['nixpkgs'],
    ['one', 'two', 'hub'],
    ['other'],
  ]);
});

const composes = (base: FlakeLock, candidate: FlakeLock, move: readonly string[]): boolean => {
  try {
    composeLock({ base, candidate, move });
    return true;
  } catch (error) {
    if (error instanceof FlakeLockError && error.problem === 'not-composable') return false;
    throw error;
  }
};

const choicesOf = (groups: readonly (readonly string[])[]): readonly (readonly string[])[] =>
  Array.from({ length: 2 ** groups.length }, (_, bits) => groups.filter((_group, bit) => bits & (2 ** bit)).flat());

test('inputs are joined only where a choice loses something: no group can be parted', () => {
  let tried = 0;
  let together = 0;
  for (let seed = 0; tried < 100; seed += 1) {
    const next = numbers(seed * 104_729 + 1);
    const [base, candidate] = [anyLock(next, 1), anyLock(next, 2)];
    if (base === null || candidate === null) continue;
    tried += 1;
    const groups = inputGroups(base, candidate, ROOTS);
    for (const group of groups.filter(({ length }) => length > 1)) {
      together += 1;
      const others = groups.filter((each) => each !== group);
      for (const part of choicesOf(group.map((name) => [name]))) {
        if (part.length === 0 || part.length === group.length) continue;
        const parted = [...others, part, group.filter((name) => !part.includes(name))];
        assert.ok(
          choicesOf(parted).some((move) => !composes(base, candidate, move)),
          `seed ${seed}: ${group.join()} can be parted at ${part.join()}`,
        );
      }
    }
  }
  assert.ok(together > 30, 'some inputs belong together');
});
