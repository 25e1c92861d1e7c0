import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blame } from '../../model/hold-back/blame.js';
import type { BlameInput, Probe } from '../../model/hold-back/blame.js';
import type { ProbeAnswer, SearchResult } from '../../model/hold-back/search.js';
import { numbers } from '../support/locks.js';

/** For each target the sets of inputs that break it; an empty set breaks it on base. */
type Causes = Readonly<Record<string, readonly (readonly string[])[]>>;

interface Searched {
  readonly results: Readonly<Record<string, SearchResult>>;
  /** Probes that were made, base not counted. */
  readonly probes: readonly Probe[];
  readonly rounds: number;
}

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `i${index}`);

const breaks = (causes: readonly (readonly string[])[], move: readonly string[]): boolean =>
  causes.some((cause) => cause.every((name) => move.includes(name)));

function search(causes: Causes, about: Partial<BlameInput> & { readonly inputs: readonly string[] }): Searched {
  const searching = blame({
    targets: Object.keys(causes),
    groups: about.groups ?? about.inputs.map((name) => [name]),
    never: about.never ?? [],
    budget: about.budget ?? 1000,
  });
  const probes: Probe[] = [];
  let rounds = 0;
  const answer = (probe: Probe, target: string): ProbeAnswer =>
    breaks(causes[target] ?? [], probe.move) ? 'breaks' : 'holds';
  for (let step = searching.next(answer); ; step = searching.next(answer)) {
    if (step.done === true) return { results: Object.fromEntries(step.value), probes, rounds };
    rounds += 1;
    probes.push(...step.value.filter(({ number }) => number > 0));
  }
}

const heldIn = (result: SearchResult | undefined): string[] | undefined =>
  result?.kind === 'found' ? result.held.flat().sort() : undefined;

test('any one input among k is found with at most ⌈log2 k⌉ + 1 probes, in one round less', () => {
  for (let count = 1; count <= 40; count += 1) {
    const most = Math.ceil(Math.log2(count)) + 1;
    for (const culprit of names(count)) {
      const { results, probes, rounds } = search({ host: [[culprit]] }, { inputs: names(count) });
      assert.deepEqual(results.host, { kind: 'found', held: [[culprit]], smallest: true });
      assert.ok(probes.length <= most, `${culprit} of ${count}: ${probes.length} probes`);
      assert.ok(rounds <= Math.max(1, most - 1), `${culprit} of ${count}: ${rounds} rounds`);
    }
  }
});

test('for any sets of culprits the search ends with a smallest set to keep back', () => {
  for (let seed = 0; seed < 600; seed += 1) {
    const next = numbers(seed);
    const inputs = names(1 + next(12));
    const pick = (most: number): string[] => inputs.filter(() => next(inputs.length) < most).slice(0, most);
    const causes = Array.from({ length: 1 + next(4) }, () => pick(1 + next(3))).filter((cause) => cause.length > 0);
    if (causes.length === 0) continue;
    const { results, probes } = search({ host: causes }, { inputs });
    const held = heldIn(results.host) ?? [];
    const move = inputs.filter((name) => !held.includes(name));
    assert.ok(!breaks(causes, move), `seed ${seed}: it holds without ${held.join()}`);
    for (const name of held) assert.ok(breaks(causes, [...move, name]), `seed ${seed}: ${name} could have moved`);
    const bound = held.length * (Math.ceil(Math.log2(inputs.length)) + 2);
    assert.ok(probes.length <= bound, `seed ${seed}: ${probes.length} probes for ${held.length} inputs`);
  }
});

test('two inputs that break only together cost one of them, and not the one that comes first', () => {
  const { results } = search({ host: [['i2', 'i9']] }, { inputs: names(16) });
  assert.deepEqual(results.host, { kind: 'found', held: [['i9']], smallest: true });
});

test('targets with one cause share their probes, and those with several are told apart', () => {
  const alone = search({ a: [['i3']] }, { inputs: names(16) });
  const shared = search({ a: [['i3']], b: [['i3']] }, { inputs: names(16) });
  assert.equal(shared.probes.length, alone.probes.length);
  assert.ok(shared.probes.every(({ targets }) => targets.length === 2));

  const apart = search({ a: [['i3']], b: [['i12']] }, { inputs: names(16) });
  assert.deepEqual(heldIn(apart.results.a), ['i3']);
  assert.deepEqual(heldIn(apart.results.b), ['i12']);
  assert.ok(apart.probes.length < 2 * alone.probes.length, 'the first probe is shared');
  assert.equal(apart.rounds, alone.rounds, 'they go on side by side');
});

test('a target that is broken on base is nobody’s fault, and does not stop the search for another', () => {
  const { results } = search({ old: [[]], host: [['i1']] }, { inputs: names(4) });
  assert.deepEqual(results.old, { kind: 'broken-on-base' });
  assert.deepEqual(heldIn(results.host), ['i1']);
});

test('inputs that must not be kept back always move, and are named when they break a target by themselves', () => {
  const never = ['i0'];
  const pair = search({ host: [['i0', 'i5']] }, { inputs: names(8), never });
  assert.deepEqual(heldIn(pair.results.host), ['i5']);
  assert.ok(pair.probes.every(({ move }) => move.includes('i0')));
  assert.deepEqual(search({ host: [['i0']] }, { inputs: names(8), never }).results.host, { kind: 'must-move' });
  assert.deepEqual(search({ host: [['i0']] }, { inputs: ['i0'], never }).results.host, { kind: 'must-move' });
});

test('when every input breaks a target, all of them are kept back', () => {
  const inputs = names(5);
  const { results } = search({ host: inputs.map((name) => [name]) }, { inputs });
  assert.deepEqual(heldIn(results.host), inputs);
});

test('past the budget more is kept back than has to be, and it is said', () => {
  const { results, probes } = search({ host: [['i5']] }, { inputs: names(16), budget: 2 });
  assert.equal(probes.length, 2);
  assert.equal(results.host?.kind === 'found' && results.host.smallest, false);
  const held = heldIn(results.host) ?? [];
  assert.ok(held.includes('i5') && held.length < 16, held.join());
});

test('a group is kept back as a whole', () => {
  const groups = [['i0'], ['i1', 'i3'], ['i2']];
  const { results, probes } = search({ host: [['i3']] }, { inputs: names(4), groups });
  assert.deepEqual(heldIn(results.host), ['i1', 'i3']);
  assert.ok(probes.every(({ move }) => move.includes('i1') === move.includes('i3')));
});
