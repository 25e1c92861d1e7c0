import assert from 'node:assert/strict';
import { test } from 'node:test';
import { painter } from '../../model/report/paint.js';
import { clipMiddle, width } from '../../client/progress/width.js';
import { runTable, type ListedRun } from '../../client/commands/run-table.js';

const listed = (change: Partial<ListedRun> = {}): ListedRun => ({
  run: 'update-fleet-20261121-093015',
  repository: 'ssh://git@git.example.org/infrastructure/machines/fleet.git',
  state: 'landed',
  startedAt: '2026-11-21T09:30:15.000Z',
  closedAt: '2026-11-21T09:32:00.000Z',
  seconds: 105,
  ...change,
});

const table = (runs: readonly ListedRun[], columns: number | null): string[] =>
  runTable(runs, columns, painter(false)).split('\n');

test('without a terminal a run is told of whole', () => {
  assert.deepEqual(table([listed()], null), [
    'update-fleet-20261121-093015  landed  2026-11-21 09:30  1 min 45 s  ' +
      'ssh://git@git.example.org/infrastructure/machines/fleet.git',
  ]);
});

test('on a terminal the repository gives way first, from its middle', () => {
  assert.deepEqual(table([listed()], 100), [
    'update-fleet-20261121-093015  landed  2026-11-21 09:30  1 min 45 s  ssh://git@git.ex…hines/fleet.git',
  ]);
  assert.deepEqual(table([listed()], 80), [
    'update-fleet-20261121-093015  landed  2026-11-21 09:30  1 min 45 s  ssh://…t.git',
  ]);
});

test('then it is left out, then the start, which most ids tell, and ids stay whole', () => {
  const scheduled = listed({ run: 'nightly-fleet-2026-11-21T03:30:00Z', state: 'waiting for approval', seconds: 8 });
  assert.deepEqual(table([listed(), listed({ state: 'waiting for approval' })], 80), [
    'update-fleet-20261121-093015  landed                2026-11-21 09:30  1 min 45 s',
    'update-fleet-20261121-093015  waiting for approval  2026-11-21 09:30  1 min 45 s',
  ]);
  assert.deepEqual(table([listed(), scheduled], 80), [
    'update-fleet-20261121-093015        landed                1 min 45 s',
    'nightly-fleet-2026-11-21T03:30:00Z  waiting for approval         8 s',
  ]);
  assert.deepEqual(table([scheduled], 50), ['nightly-fleet-2026-11-21T03:30:00Z  waiting …  8 s']);
});

test('no line is wider than the terminal as long as ids fit', () => {
  const runs = [
    listed(),
    listed({ state: 'running', seconds: 7322 }),
    listed({ repository: '/srv/リポジトリ/フリート', state: 'waiting for approval' }),
    listed({ repository: null, state: 'cancelled' }),
  ];
  for (let columns = 45; columns < 160; columns += 1)
    for (const line of table(runs, columns)) assert.ok(width(line) <= columns, `${columns}: ${line}`);
});

test('a text is cut in its middle to exactly its columns, wide characters included', () => {
  const cases: readonly (readonly [string, number, string])[] = [
    ['abcdefgh', 8, 'abcdefgh'],
    ['abcdefgh', 7, 'abc…fgh'],
    ['abcdefgh', 4, 'ab…h'],
    ['abcdefgh', 1, '…'],
    ['日本語日本語', 7, '日本…語'],
  ];
  for (const [text, columns, cut] of cases) {
    assert.equal(clipMiddle(text, columns), cut);
    assert.ok(width(cut) <= columns);
  }
});
