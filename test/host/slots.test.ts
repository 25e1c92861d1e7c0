import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { slots, type InSlot } from '../../host/slots.js';

/** Work that begins when it may, and ends when it is told to. */
function work(inSlot: InSlot, most: number, signal = new AbortController().signal) {
  const state = { begun: false };
  let end: (error?: Error) => void = () => undefined;
  const done = inSlot(most, signal, () => {
    state.begun = true;
    return new Promise<void>((resolve, reject) => {
      end = (error) => {
        if (error === undefined) resolve();
        else reject(error);
      };
    });
  });
  done.catch(() => undefined);
  const finish = (error?: Error): void => {
    end(error);
  };
  return { state, done, end: finish };
}

const begun = (all: readonly ReturnType<typeof work>[]): string => all.map(({ state }) => Number(state.begun)).join('');

test('at most so many uploads are under way at once, the others begin in their order, and one that fails or gives up blocks none', async () => {
  const gone = new AbortController();
  const inSlot = slots();
  const all = [work(inSlot, 2), work(inSlot, 2), work(inSlot, 2, gone.signal), work(inSlot, 2), work(inSlot, 2)];
  await turn();
  assert.equal(begun(all), '11000');
  gone.abort(new Error('cancelled'));
  await assert.rejects(all[2]?.done ?? Promise.resolve(), /cancelled/);
  assert.equal(begun(all), '11000', 'one that waited has given up: no slot is free for that');
  all[0]?.end(new Error('the cache is away'));
  await assert.rejects(all[0]?.done ?? Promise.resolve(), /the cache is away/);
  await turn();
  assert.equal(begun(all), '11010');
  all[1]?.end();
  await turn();
  assert.equal(begun(all), '11011');
  for (const each of all.slice(3)) each.end();
  await Promise.all(all.slice(3).map(({ done }) => done));

  const one = [work(inSlot, 1), work(inSlot, 1)];
  await turn();
  assert.equal(begun(one), '10');
  one[0]?.end();
  await turn();
  assert.equal(begun(one), '11');
  one[1]?.end();
});
