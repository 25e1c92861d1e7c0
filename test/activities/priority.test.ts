import assert from 'node:assert/strict';
import { test } from 'node:test';
import { niceBelow } from '../../activities/command/priority.js';

test('builds come behind the worker, and never before the rest of the machine', () => {
  assert.deepEqual([-20, -5, 0, 5, 19].map(niceBelow), [5, 5, 5, 10, 19]);
});
