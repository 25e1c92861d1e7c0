import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_LIMITS, toRemove } from '../../model/machine/retention.js';
import { DAY_MS } from '../../model/text/span.js';
import type { Circumstances, Kept, KeptRun } from '../../model/machine/retention.js';
import { parseSize, formatSize } from '../../model/text/size.js';
import { parseSpan } from '../../model/text/span.js';

const NOW = Date.UTC(2026, 10, 21);
const ago = (days: number): number => NOW - days * DAY_MS;
const AT_REST: Circumstances = { now: NOW, openSince: null, asked: true };

const OVER: KeptRun = { state: 'over', supervised: false, held: false };
const OPEN: KeptRun = { state: 'open', supervised: false, held: true };
const UNKNOWN: KeptRun = { state: 'unknown', supervised: false, held: false };

const CASES: readonly (readonly [
  string,
  Omit<Kept, 'path' | 'bytes'> & { bytes?: number },
  boolean,
  Partial<Circumstances>?,
])[] = [
  ['logs of a run that has been over for long', { kind: 'logs', usedAt: ago(366), run: OVER }, true],
  ['logs of a run that still has its report', { kind: 'logs', usedAt: ago(364), run: OVER }, false],
  ['logs of an open run, however old', { kind: 'logs', usedAt: ago(5000), run: OPEN }, false],
  ['logs of a build that is running', { kind: 'logs', usedAt: ago(366), run: { ...OVER, supervised: true } }, false],
  ['old logs that were let go of, without a server', { kind: 'logs', usedAt: ago(366), run: UNKNOWN }, true],
  [
    'old logs that are held, without a server',
    { kind: 'logs', usedAt: ago(399), run: { ...UNKNOWN, held: true } },
    false,
  ],
  ['logs older than any run can be', { kind: 'logs', usedAt: ago(401), run: { ...UNKNOWN, held: true } }, true],
  ['roots of a run that is over', { kind: 'roots', usedAt: ago(2), run: { ...OVER, held: true } }, true],
  ['roots of a run that was over today', { kind: 'roots', usedAt: ago(0.5), run: { ...OVER, held: true } }, false],
  ['roots of an open run', { kind: 'roots', usedAt: ago(500), run: OPEN }, false],
  ['roots of a run that nobody knows', { kind: 'roots', usedAt: ago(30), run: { ...UNKNOWN, held: true } }, false],
  ['an evaluation that is used', { kind: 'evaluation', usedAt: ago(29) }, false],
  ['an evaluation that nobody used for long', { kind: 'evaluation', usedAt: ago(31) }, true],
  ['an evaluation whose derivation is gone', { kind: 'evaluation', usedAt: ago(0), useless: true }, true],
  ['an old report', { kind: 'report', usedAt: ago(366) }, true],
  ['a report of this year', { kind: 'report', usedAt: ago(364) }, false],
  ['old build times', { kind: 'times', usedAt: ago(366) }, true],
  ['a mirror that nobody used for long', { kind: 'mirror', usedAt: ago(91) }, true],
  ['a mirror that is used', { kind: 'mirror', usedAt: ago(2) }, false],
  ['a mirror from before the oldest open run', { kind: 'mirror', usedAt: ago(100) }, true, { openSince: ago(50) }],
  ['a mirror that an open run may use', { kind: 'mirror', usedAt: ago(100) }, false, { openSince: ago(100) }],
  ['an old ref of a mirror at rest', { kind: 'ref', usedAt: ago(31), mirrorUsedAt: ago(1) }, true],
  [
    'an old ref of a mirror in use',
    { kind: 'ref', usedAt: ago(31), mirrorUsedAt: ago(1) },
    false,
    { openSince: ago(3) },
  ],
  ['an old ref, without a server', { kind: 'ref', usedAt: ago(40), mirrorUsedAt: ago(20) }, false, { asked: false }],
  ['a young ref', { kind: 'ref', usedAt: ago(29), mirrorUsedAt: ago(29) }, false],
  ['a large log of the worker', { kind: 'process-log', usedAt: ago(0), bytes: 11 * 1024 ** 2 }, true],
  ['a small log of the worker', { kind: 'process-log', usedAt: ago(900), bytes: 9 * 1024 ** 2 }, false],
  ['the record of a live process', { kind: 'user', usedAt: ago(900) }, false],
  ['the record of a dead process', { kind: 'user', usedAt: ago(0), useless: true }, true],
  ['a half file of today', { kind: 'leftover', usedAt: ago(0.5) }, false],
  ['a half file of last week', { kind: 'leftover', usedAt: ago(7) }, true],
];

for (const [what, item, goes, circumstances] of CASES)
  test(`${what} ${goes ? 'goes' : 'stays'}`, () => {
    const removals = toRemove([{ path: '/state/x', bytes: 1, ...item }], DEFAULT_LIMITS, {
      ...AT_REST,
      ...circumstances,
    });
    assert.equal(removals.length, goes ? 1 : 0);
  });

test('no limit removes what is younger than a day', () => {
  const none = {
    ...DEFAULT_LIMITS,
    logBytes: 0,
    days: { logs: 0, evaluation: 0, closure: 0, advisories: 0, report: 0, times: 0, mirror: 0, ref: 0 },
  };
  const kinds = ['logs', 'roots', 'evaluation', 'closure', 'report', 'times', 'mirror', 'ref', 'leftover'] as const;
  const young = kinds.map((kind): Kept => ({
    kind,
    path: '/x',
    bytes: 9,
    usedAt: ago(0.9),
    mirrorUsedAt: ago(0.9),
    run: OVER,
  }));
  assert.deepEqual(toRemove(young, none, AT_REST), []);
});

test('the oldest logs go until all together are small enough, and none of an open run', () => {
  const logs = (days: number, run: KeptRun): Kept => ({
    kind: 'logs',
    path: String(days),
    bytes: 10,
    usedAt: ago(days),
    run,
  });
  const found = [logs(5, OVER), logs(40, OPEN), logs(30, OVER), logs(20, OVER), logs(10, OVER)];
  const removals = toRemove(found, { ...DEFAULT_LIMITS, logBytes: 30 }, AT_REST);
  assert.deepEqual(
    removals.map(({ item }) => item.path),
    ['30', '20'],
  );
});

test('spans and sizes are read as people write them', () => {
  assert.deepEqual(['36h', '90d', '2w', '5', 'x', ''].map(parseSpan), [129_600, 7_776_000, 1_209_600, 5, null, null]);
  assert.deepEqual(['2G', '500MiB', '10kb', '7', '0', '-1', 'G'].map(parseSize), [
    2 * 1024 ** 3,
    500 * 1024 ** 2,
    10_240,
    7,
    0,
    null,
    null,
  ]);
  assert.deepEqual([0, 1023, 1536, 2 * 1024 ** 3].map(formatSize), ['0 B', '1023 B', '1.5 KiB', '2.0 GiB']);
});
