import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channelFindings } from '../../client/doctor/channels.js';

const HOUR = 3_600_000;
const now = Date.UTC(2026, 10, 29, 12);
const ago = (hours: number): string => new Date(now - hours * HOUR).toISOString();
const record = (instance: string, hours: number, ...branches: readonly string[]) => ({
  instance,
  standing: {
    ...{ at: ago(hours), count: branches.length },
    channels: branches.map((branch) => ({ branch, since: ago(96) })),
  },
});
const found = (records: Parameters<typeof channelFindings>[0], ...watched: readonly string[]): readonly string[] =>
  channelFindings(records, new Set(watched), now).map(({ level, found: words }) => `${level}: ${words}`);

test('doctor says that nobody looks at channels any more, where somebody should', () => {
  assert.deepEqual(found([record('main', 1)], 'main'), ['ok: none stands still for too long']);
  assert.deepEqual(found([record('main', 1, 'a', 'b')], 'main'), [
    'warn: 2 channels of main stand still, a for 4 days',
  ]);
  assert.deepEqual(found([record('main', 72, 'a'), record('other', 1)], 'main', 'other'), [
    'warn: nobody has looked at those of main for 3 days',
  ]);
  assert.deepEqual(found([record('main', 72, 'a')]), [], 'nobody wants to know');
  assert.deepEqual(found([{ instance: 'main' }], 'main'), []);
});
