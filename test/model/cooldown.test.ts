import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oldEnough } from '../../model/flake-lock/cooldown.js';
import { waitingWords } from '../../model/report/input-words.js';

const history = (...days: readonly number[]) => days.map((seconds) => ({ revision: `r${seconds}`, seconds }));

test('the newest commit that is old enough is chosen, never one from before what is locked', () => {
  const locked = { revision: 'r2', seconds: 2 };
  assert.deepEqual(oldEnough(history(9, 8, 5, 4, 2, 1), 6, locked), { revision: 'r5', newer: 2 });
  assert.deepEqual(oldEnough(history(9, 8, 2, 1), 6, locked), { revision: null, newer: 2 });
  assert.deepEqual(oldEnough(history(9, 8, 2, 1), 1, locked), { revision: null, newer: 2 });
  // The branch is another one than before, or what is locked is further back.
  assert.deepEqual(oldEnough(history(9, 5), 6, locked), { revision: 'r5', newer: 1 });
  assert.deepEqual(oldEnough(history(9, 1), 6, locked), { revision: null, newer: 1 });
  assert.equal(oldEnough(history(9, 8), 6, locked), null);
  assert.deepEqual(oldEnough(history(9, 5), 6, null), { revision: 'r5', newer: 1 });
  assert.equal(oldEnough(history(9, 8), 6, null), null);
});

test('one sentence says what an input does whose newest revision is too new', () => {
  const input = { name: 'a', cooldown: 3 * 86_400, movesTo: null, newer: 1 };
  assert.equal(
    waitingWords({ ...input, movesTo: '1'.repeat(40), newer: 12 }),
    'moves to its newest revision that is at least 3 days old, 11111111; 12 newer commits wait',
  );
  assert.equal(waitingWords(input), 'stays: nothing newer is at least 3 days old; 1 newer commit waits');
  assert.equal(
    waitingWords({ ...input, cooldown: 5400, newer: null, unknown: 'history' }),
    'stays: its newest revision is less than 90 min old, and no older one was found',
  );
  assert.match(waitingWords({ ...input, newer: null, unknown: 'unread' }), /history of older ones could not be read/);
  assert.match(waitingWords({ ...input, newer: null, unknown: 'nested' }), /brings along an input that is not/);
  assert.match(waitingWords({ ...input, cooldown: 86_400, newer: null, unknown: 'date' }), /no date.* 1 day old$/);
});
