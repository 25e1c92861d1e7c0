import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createScreen } from '../../client/progress/screen.js';

const SIZE = { columns: 80, rows: 24 };

test('only lines that changed are written', () => {
  const screen = createScreen();
  assert.equal(screen.draw(['one', 'two', 'three'], SIZE), '\rone\ntwo\nthree\n');
  assert.equal(screen.draw(['one', 'two', 'three'], SIZE), '');
  assert.equal(screen.draw(['one', '2', 'three'], SIZE), '\x1b[2A\r2\x1b[K\x1b[B\r\x1b[B\r');
  assert.equal(screen.draw(['one', '2', 'three', 'four'], SIZE), '\rfour\n');
  assert.equal(screen.draw(['one'], SIZE), '\x1b[3A\r\x1b[K\x1b[B\r\x1b[K\x1b[B\r\x1b[K\x1b[B\r\x1b[3A\r');
});

test('the first row is never the one from which the rest of the screen is cleared', () => {
  const screen = createScreen();
  screen.draw(['one', 'two'], SIZE);
  const smaller = { columns: 60, rows: 10 };
  assert.equal(screen.draw(['one'], smaller), '\x1b[2A\rone\x1b[K\n\x1b[J');
  assert.equal(screen.draw([], { columns: 40, rows: 10 }), '\x1b[1A\r\x1b[K\x1b[B\r\x1b[J\x1b[1A\r');
  assert.equal(screen.draw([], { columns: 50, rows: 10 }), '\r');
});
