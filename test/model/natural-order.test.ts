import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareNaturally } from '../../model/text/natural-order.js';

test('numbers in names count by their value, all else by its letters', () => {
  const ordered = [
    '10.0.0.9',
    '10.0.0.10',
    'Web1',
    'db',
    'rack1-node2',
    'rack1-node10',
    'rack2-node1',
    'web',
    'web1',
    'web02',
    'web2',
    'web2-old',
    'web10',
    'web10000000000000000000001',
    'web10000000000000000000002',
    'web-a',
  ];
  for (const shuffled of [[...ordered].reverse(), [...ordered].sort()]) {
    assert.deepEqual(shuffled.sort(compareNaturally), ordered);
  }
});

test('only equal names are equal, so that the order is the same whatever it was before', () => {
  const names = ['', '0', '00', '1', '01', 'a', 'a0', 'a00', 'a0b', 'a00b', 'A0', 'é1', '日本2', '日本10'];
  for (const one of names) {
    for (const other of names) {
      const order = compareNaturally(one, other);
      assert.equal(order === 0, one === other, `${one} ${other}`);
      assert.equal(Math.sign(order), -Math.sign(compareNaturally(other, one)) + 0, `${one} ${other}`);
    }
  }
});
