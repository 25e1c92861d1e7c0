import assert from 'node:assert/strict';
import { test } from 'node:test';
import { painter } from '../../model/report/paint.js';
import { scheduleTable, type ListedSchedule } from '../../client/schedules/table.js';

const shown = (change: Partial<ListedSchedule>): string =>
  scheduleTable(
    [
      {
        instance: 'nightly',
        configuration: 'forge',
        paused: false,
        note: null,
        last: null,
        next: ['2026-11-29T04:00:00.000Z', '2026-11-30T04:00:00.000Z', '2026-12-01T04:00:00.000Z'],
        failuresInRow: 0,
        lastSuccess: null,
        ...change,
      },
    ],
    painter(false),
  );

const NEXT = 'nightly  next 2026-11-29 04:00, 2026-11-30 04:00 UTC';
const LAST = { run: 'nightly-fleet-2026-11-28T04:00:00Z', state: 'broken', startedAt: '2026-11-28T04:00:00.000Z' };

test('what runs by hand gave is not told as what the schedule has started', () => {
  assert.equal(shown({}), `${NEXT}  no scheduled run yet`);
  assert.equal(shown({ failuresInRow: 1 }), `${NEXT}  no scheduled run yet  1 failure in a row of runs by hand`);
  assert.equal(shown({ last: LAST, failuresInRow: 2 }), `${NEXT}  last 2026-11-28 04:00: broken  2 failures in a row`);
});

test('channels that stand still are named behind their instance, a few of them', () => {
  const standing = (count: number, all = count) =>
    shown({
      standingCount: all,
      standingChannels: Array.from({ length: count }, (_, index) => ({
        ...{ branch: `tested-${index}`, since: new Date(Date.now() - (5 * 86_400 - index) * 1000).toISOString() },
      })),
    });
  assert.equal(shown({ standingChannels: [] }), `${NEXT}  no scheduled run yet`);
  assert.equal(standing(1), `${NEXT}  no scheduled run yet  a channel stands still (5 days): tested-0`);
  assert.match(standing(5), /5 channels stand still \(5 days\): tested-0, tested-1, tested-2 and 2 more$/);
  // What a record shows of them has room for some.
  assert.match(standing(50, 120), /120 channels stand still .* and 117 more$/);
});

test('a scheduled run that the server has dropped was there all the same', () => {
  assert.equal(
    shown({ last: { ...LAST, state: null }, failuresInRow: 1, lastSuccess: '2026-11-27T05:00:00.000Z' }),
    `${NEXT}  last 2026-11-28 04:00: no longer kept by the server  1 failure in a row  last success 2026-11-27 05:00`,
  );
});

test('a schedule that is over, and one that is paused, say so', () => {
  assert.equal(shown({ next: [] }), 'nightly  no next run  no scheduled run yet');
  assert.equal(shown({ paused: true, next: [] }), 'nightly  paused  no scheduled run yet');
});
