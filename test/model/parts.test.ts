import assert from 'node:assert/strict';
import { test } from 'node:test';
import { branchNameFault } from '../../model/git/branch-name.js';
import { isOfDay } from '../../model/landing/branches.js';
import { branchPart, fateOf, fateOfWhole, partsOf, type EachRequest } from '../../model/landing/parts.js';
import { readMark, withClosedMark, writeMark } from '../../model/report/forge/request.js';
import { reportName } from '../../model/report/page.js';
import { exitStatus } from '../../model/report/exit-status.js';
import { lostPart, partsOutcome, partsProblem } from '../../model/report/parts.js';
import { outcomeWords } from '../../model/report/words.js';
import { isPart, partId, startInId } from '../../model/run/ids.js';
import { without } from '../../model/run/without.js';
import { exampleReport } from '../support/report.js';

const BRANCH = 'bot/flake-update';

test('each input has a request, those together that move only together, or that the owner groups', () => {
  const parts = (moved: readonly (readonly string[])[], groups: readonly (readonly string[])[] = []) =>
    partsOf(moved, groups, BRANCH).map(({ inputs, branch }) => [branch.slice(BRANCH.length), ...inputs].join(' '));
  assert.deepEqual(parts([['alpha'], ['beta', 'delta'], ['gamma']]), [
    '-alpha alpha',
    '-beta beta delta',
    '-gamma gamma',
  ]);
  const groups = [
    ['alpha', 'gamma'],
    ['zeta', 'eta'],
  ];
  assert.deepEqual(parts([['alpha'], ['beta'], ['gamma']], groups), ['-alpha alpha gamma', '-beta beta']);
  assert.deepEqual(parts([['gamma'], ['beta']], groups), ['-alpha gamma', '-beta beta'], 'the same branch in each run');
  assert.deepEqual(parts([['alpha'], ['beta', 'eta'], ['eps'], ['gamma', 'zeta']], groups), [
    '-alpha alpha beta eta gamma zeta',
    '-eps eps',
  ]);
  assert.deepEqual(parts([]), []);
});

test('each input has a branch of its own, which is no branch that was taken in the place of another one', () => {
  const names = [
    ...['nixpkgs', 'nixpkgs_2', 'a.b', 'a..b', 'x.lock', 'x.', '20261129-101010', '101010', 'alpha-20261129-101010'],
    ...['alpha-101010-2', 'ä', 'ä ', 'a b', '=', '-', 'n'.repeat(300), `${'n'.repeat(300)}m`, '../x', 'a~b', '\u0001'],
  ];
  const parts = names.map(branchPart);
  assert.equal(new Set(parts).size, names.length);
  for (const part of parts) assert.equal(branchNameFault(`${BRANCH}-${part}`), null, part);
  const branches = [BRANCH, ...['alpha', ...parts].map((part) => `${BRANCH}-${part}`)];
  for (const one of branches)
    assert.deepEqual(
      branches.filter((other) => isOfDay(other, one)),
      [one],
    );
  assert.equal(branchPart('nixos-24.05'), 'nixos-24.05');
});

test('ids of parts are told apart from those of runs, also where an input is called as runs are', () => {
  const run = 'nightly-fleet-20261129-101010';
  for (const id of [partId(run, 'alpha'), partId('n-fleet-2026-11-29T10:10:10Z', branchPart('x-20261129-101010'))]) {
    assert.ok(isPart(id), id);
    assert.equal(startInId(id), null, id);
    assert.equal(reportName(id), id, 'its report is found by its id');
  }
  const long = partId(`${'n'.repeat(60)}-${'f'.repeat(60)}-20261129-101010`, branchPart('ä'.repeat(200)));
  assert.equal(reportName(long), long);
  assert.ok(isPart(`${partId(run, 'alpha')}.json`));
  for (const id of [run, 'nightly-input-x-20261129-101010']) assert.equal(isPart(id), false, id);
});

test('a request is closed when main has its inputs, or another request has them', () => {
  const known: EachRequest = {
    instance: 'nightly',
    parts: [
      { inputs: ['alpha', 'beta'], request: 7 },
      { inputs: ['gamma'], request: null },
    ],
    asked: 'all',
    unknown: ['eta'],
  };
  const fate = (number: number, inputs: readonly string[], about = known, locked: readonly string[] | null = null) =>
    fateOf({ number, inputs }, about, locked);
  assert.deepEqual(fate(7, ['alpha']), { kind: 'stays' });
  assert.deepEqual(fate(3, ['zeta']), { kind: 'done', inputs: ['zeta'] });
  assert.deepEqual(fate(3, ['beta']), { kind: 'elsewhere', request: 7 });
  assert.deepEqual(fate(3, ['beta', 'zeta']), { kind: 'elsewhere', request: 7 });
  assert.deepEqual(fate(3, ['gamma']), { kind: 'stays' }, 'it broke, and what was verified last stays');
  assert.deepEqual(fate(3, ['beta', 'gamma']), { kind: 'stays' });
  assert.deepEqual(fate(3, ['eta']), { kind: 'stays' }, 'nobody knows whether it moves');
  assert.deepEqual(fate(3, ['zeta'], { ...known, asked: ['alpha'] }), { kind: 'stays' });
  const locked = ['zeta', 'gamma'];
  assert.deepEqual(fate(3, ['theta', 'iota'], known, locked), { kind: 'gone' });
  assert.deepEqual(fate(3, ['theta', 'zeta'], known, locked), { kind: 'done', inputs: ['zeta'] });
  assert.deepEqual(fate(3, ['beta', 'theta'], known, locked), { kind: 'elsewhere', request: 7 }, 'new in flake.nix');
  assert.deepEqual(fate(3, ['theta', 'gamma'], known, locked), { kind: 'stays' });
});

test('the request of all inputs is closed as soon as one has its own, or none needs any', () => {
  const none: EachRequest = { instance: 'nightly', parts: [], asked: 'all', unknown: [] };
  const [opened, failed] = [
    { inputs: ['alpha'], request: 7 },
    { inputs: ['gamma'], request: null },
  ];
  assert.equal(fateOfWhole(none), 'done');
  assert.equal(fateOfWhole({ ...none, unknown: ['eta'] }), 'stays', 'nobody knows whether it moves');
  assert.equal(fateOfWhole({ ...none, asked: ['alpha'] }), 'stays');
  assert.equal(fateOfWhole({ ...none, parts: [failed] }), 'stays');
  assert.equal(fateOfWhole({ ...none, parts: [opened, failed], unknown: ['gamma'] }), 'split');
  assert.equal(fateOfWhole({ ...none, parts: [opened], asked: ['alpha'] }), 'stays', 'others have none');
});

test('the mark of a request says which inputs it is about, and older ones are read as before', () => {
  const mark = {
    ...{ run: 'r 1', commit: 'a'.repeat(40), lock: 'b'.repeat(40), closedBy: null },
    part: { instance: 'nightly', inputs: ['alpha', 'ä,b -->'] },
  };
  assert.deepEqual(readMark(`x\n${writeMark(mark)}\n`), mark);
  const closed = withClosedMark(`x\n${writeMark(mark)}\n`, 'r 2');
  assert.deepEqual(readMark(closed), { ...mark, closedBy: 'r 2' });
  const whole = without(mark, 'part');
  assert.deepEqual(readMark(writeMark(whole)), whole);
});

test('what a run says of its parts decides how it ended', () => {
  const lost = lostPart(['alpha'], 'r-input-alpha', { lost: 'failed', error: 'no forge' });
  const part = (outcome: typeof lost.outcome, status: number) => ({
    ...{ ...lost, outcome, error: null, exitStatus: status, strictExitStatus: status },
  });
  const status = (...parts: readonly (typeof lost)[]): number =>
    exitStatus({ ...exampleReport(), heldBack: [], unfetched: [], outcome: partsOutcome(parts), parts });
  assert.equal(status(part('landed', 0), part('unchanged', 2), part('rejected', 4)), 0);
  assert.equal(status(part('landed', 3), part('unchanged', 2)), 3);
  assert.equal(status(part('landed', 0), part('broken', 1)), 1);
  assert.equal(status(part('rejected', 4), part('unchanged', 2)), 4);
  assert.equal(status(part('unchanged', 2)), 2);
  assert.equal(status(), 2);
  const dry = [part('verified', 0), part('unchanged', 2)];
  assert.equal(
    outcomeWords({ ...exampleReport(), outcome: partsOutcome(dry), parts: dry }),
    'Verified 1 of 2 updates, nothing pushed',
  );
  assert.equal(partsProblem([part('landed', 0)]), null);
  assert.equal(partsProblem([lost]), 'alpha: no forge');
});
