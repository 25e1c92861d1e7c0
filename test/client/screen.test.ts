import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createScreen } from '../../client/progress/screen.js';

const SIZE = { columns: 80, rows: 24 };

test('only lines that changed are written', () => {
  const screen = createScreen();
  assert.deepEqual(screen.draw(['one', 'two', 'three'], SIZE), ['\rone\n\rtwo\n\rthree\n']);
  assert.deepEqual(screen.draw(['one', 'two', 'three'], SIZE), []);
  assert.deepEqual(screen.draw(['one', '2', 'three'], SIZE), ['\x1b[2F2\x1b[K\x1b[2E']);
  assert.deepEqual(screen.draw(['one', '2', 'three', 'four'], SIZE), ['\rfour\n']);
  assert.deepEqual(screen.draw(['1', '2', 'three', '4'], SIZE), ['\x1b[4F1\x1b[K\x1b[3E4\x1b[K\x1b[1E']);
  assert.deepEqual(screen.draw(['1'], SIZE), ['\x1b[3F\x1b[K\x1b[1E\x1b[K\x1b[1E\x1b[K\x1b[1E', '\x1b[3F']);
});

test('the first row is never the one from which the rest of the screen is cleared', () => {
  const screen = createScreen();
  screen.draw(['one', 'two'], SIZE);
  const smaller = { columns: 60, rows: 10 };
  assert.deepEqual(screen.draw(['one'], smaller), ['\x1b[2F\rone\x1b[K\n\x1b[J']);
  assert.deepEqual(screen.draw([], { columns: 40, rows: 10 }), ['\x1b[1F\x1b[K\x1b[1E\x1b[J\x1b[1F']);
  assert.deepEqual(screen.draw([], { columns: 50, rows: 10 }), []);
});

test('a picture is drawn in pieces between which the cursor is below it', () => {
  const screen = createScreen();
  const picture = (text: string): string[] => Array.from({ length: 40 }, (_, index) => `${index} ${text.repeat(60)}`);
  screen.draw(picture('a'), { columns: 80, rows: 50 });
  const pieces = screen.draw(picture('b'), { columns: 80, rows: 50 });
  assert.ok(pieces.length > 1);
  for (const piece of pieces) {
    // eslint-disable-next-line no-control-regex -- the movements of the cursor
    const moves = [...piece.matchAll(/\x1b\[(\d+)([EF])/g)].map(
      ([, rows, way]) => Number(rows) * (way === 'E' ? 1 : -1),
    );
    assert.equal(
      moves.reduce((sum, each) => sum + each, 0),
      0,
      piece,
    );
    assert.ok(piece.length < 600, piece);
    // A terminal driver writes what it translates by itself, and a terminal may read what is before it alone.
    assert.doesNotMatch(piece, /[\r\n\t]/);
  }
});
