import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterEnd, failuresUpTo, isOverdue, newRecord } from '../../model/instance/record.js';
import type { InstanceRecord } from '../../model/instance/record.js';
import type { Outcome } from '../../model/report/data.js';

const START = newRecord('daily', new Date('2026-11-01T00:00:00Z'));

/** The record after runs with these outcomes, one each day. */
const after = (outcomes: readonly Outcome[]): InstanceRecord =>
  outcomes.reduce(
    (record, outcome, index) =>
      afterEnd(record, {
        run: `run-${index}`,
        outcome,
        endedAt: new Date(Date.UTC(2026, 10, 1 + index)).toISOString(),
      }),
    START,
  );

const TABLE: readonly (readonly [outcomes: readonly Outcome[], failures: number, lastSuccessDay: number | null])[] = [
  [[], 0, null],
  [['broken', 'failed', 'expired'], 3, null],
  [['broken', 'landed'], 0, 2],
  [['verified', 'failed'], 1, 1],
  [['unchanged', 'broken', 'broken'], 2, 1],
  [['broken', 'cancelled', 'rejected', 'broken'], 2, null],
  [['landed', 'cancelled'], 0, 1],
];

test('failures add up until a success, and what a person stopped is neither', () => {
  for (const [outcomes, failures, day] of TABLE) {
    const record = after(outcomes);
    const success = day === null ? null : new Date(Date.UTC(2026, 10, day)).toISOString();
    assert.deepEqual([record.failures, record.lastSuccess], [failures, success], outcomes.join(', '));
  }
});

test('an end that is told again counts once, and gives what it gave, also when others have ended since', () => {
  const record = after(['broken', 'broken', 'landed']);
  const again = afterEnd(record, { run: 'run-1', outcome: 'broken', endedAt: '2026-11-09T00:00:00.000Z' });
  assert.deepEqual(again, record);
  assert.equal(failuresUpTo(again, 'run-1'), 2);
});

test('a record does not grow, and knows the latest twenty ends', () => {
  const record = after(Array.from({ length: 60 }, () => 'broken' as const));
  assert.deepEqual([record.failures, record.counted.length, record.counted[0]?.run], [60, 20, 'run-40']);
});

test('without a success time is counted from the begin of the record', () => {
  const day = 86_400;
  const at = (date: number): Date => new Date(Date.UTC(2026, 10, date));
  assert.equal(isOverdue(START, 3 * day, at(4)), false);
  assert.equal(isOverdue(START, 3 * day, at(5)), true);
  assert.equal(isOverdue(after(['landed', 'landed', 'landed']), 3 * day, at(5)), false);
  assert.equal(isOverdue(after(['landed', 'broken', 'broken']), 3 * day, at(5)), true);
});
