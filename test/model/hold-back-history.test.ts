import assert from 'node:assert/strict';
import { test } from 'node:test';
import { earlierHolds, letGoInputs, withHistory } from '../../model/report/earlier-holds.js';
import type { Outcome, Report, ReportedPart } from '../../model/report/data.js';
import { lostPart } from '../../model/report/parts.js';
import { exampleReport } from '../support/report.js';

const day = (number: number): string => `2026-11-${String(number).padStart(2, '0')}T03:00:00.000Z`;
const DAY = 86_400;

/** A run of that day that moved nixpkgs from a revision and held another input back. */
const held = (on: number, change: Partial<Report> = {}): Report =>
  exampleReport({
    startedAt: day(on),
    heldBack: [{ input: 'zfs', targets: ['web'], reason: 'broken', revision: 'old' }],
    ...change,
  });

test('an input is held back since the first of the runs that did so', () => {
  const first = held(1);
  const [hold] = earlierHolds([first]);
  const second = withHistory(first.heldBack, [{ input: 'zfs', since: day(1), revision: 'old' }], {
    startedAt: day(3),
    alarmSeconds: DAY,
  });
  assert.deepEqual(hold, { input: 'zfs', since: day(1), revision: 'old' });
  assert.deepEqual([second[0]?.since, second[0]?.overdue], [day(1), true]);
  assert.deepEqual(earlierHolds([held(3, { heldBack: second }), first]), [hold]);
});

test('the newest run that moved an input or held it back decides, and one that ended otherwise does not', () => {
  const [moved] = exampleReport().inputs;
  assert.ok(moved !== undefined);
  const letGo = exampleReport({ startedAt: day(2), inputs: [{ ...moved, name: 'zfs' }] });
  assert.deepEqual(earlierHolds([letGo, held(1)]), []);
  assert.deepEqual(earlierHolds([{ ...letGo, outcome: 'broken' }, held(1)]), earlierHolds([held(1)]));
  assert.deepEqual(earlierHolds([exampleReport({ startedAt: day(2) }), held(1)]), earlierHolds([held(1)]));
});

test('where each input has a part of its own, the part decides, whatever became of the others', () => {
  const [moved] = exampleReport().inputs;
  assert.ok(moved !== undefined);
  const part = (input: string, outcome: Outcome): ReportedPart => ({
    ...lostPart([input], `r-input-${input}`, { lost: 'failed', error: 'x' }),
    outcome,
  });
  const run = (on: number, zfs: Outcome, change: Partial<Report> = {}) =>
    held(on, { outcome: 'rejected', parts: [part('nixpkgs', 'rejected'), part('zfs', zfs)], ...change });
  assert.deepEqual(earlierHolds([run(1, 'unchanged')]), earlierHolds([held(1)]));
  assert.deepEqual(earlierHolds([run(2, 'failed'), held(1)]), earlierHolds([held(1)]));
  const inputs = [{ ...moved, name: 'zfs' }];
  assert.deepEqual(earlierHolds([run(2, 'landed', { heldBack: [], inputs }), held(1)]), []);
  assert.deepEqual(earlierHolds([run(2, 'broken', { heldBack: [], inputs }), held(1)]), earlierHolds([held(1)]));
  const pinned = held(1, { outcome: 'failed', parts: [part('nixpkgs', 'failed')] });
  assert.deepEqual(earlierHolds([pinned]), earlierHolds([held(1)]), 'the run itself holds back what is in no part');
});

test('time counts for one revision, and what breaks nothing raises no alarm', () => {
  const run = { startedAt: day(20), alarmSeconds: 14 * DAY };
  const earlier = [{ input: 'zfs', since: day(1), revision: 'old' }];
  const one = { input: 'zfs', targets: ['web'], reason: 'broken', revision: 'old' };
  const state = (change: Partial<typeof one>) => {
    const [found] = withHistory([{ ...one, ...change }], earlier, run);
    return [found?.since, found?.overdue];
  };
  assert.deepEqual(state({}), [day(1), true]);
  assert.deepEqual(state({ revision: 'newer' }), [day(20), false]);
  assert.deepEqual(state({ targets: [] }), [day(1), false]);
});

test('what was held back before and is not known says nothing, and the next run looks further back', () => {
  const run = { startedAt: day(20), alarmSeconds: DAY };
  const [unknown] = withHistory(held(20).heldBack, null, run);
  assert.deepEqual([unknown?.since, unknown?.overdue], [undefined, undefined]);
  const dated = held(15, { heldBack: withHistory(held(15).heldBack, [], { ...run, startedAt: day(15) }) });
  assert.deepEqual(earlierHolds([held(20), dated, held(1)]), [{ input: 'zfs', since: day(15), revision: 'old' }]);
  const elsewhere = held(15, {
    heldBack: [{ input: 'zfs', targets: ['web'], reason: 'broken', revision: 'older', since: day(2) }],
  });
  assert.deepEqual(earlierHolds([held(20), elsewhere, held(1)]), [{ input: 'zfs', since: day(20), revision: 'old' }]);
});

test('an input is let go when it moves from where it was held', () => {
  const [moved] = exampleReport().inputs;
  assert.ok(moved !== undefined);
  const earlier = [{ input: 'nixpkgs', since: day(1), revision: moved.from }];
  assert.deepEqual(letGoInputs([moved], earlier), [{ input: 'nixpkgs', since: day(1) }]);
  assert.deepEqual(letGoInputs([{ ...moved, from: 'other' }], earlier), []);
});
