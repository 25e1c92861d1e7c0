import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { SharedWork } from '../../activities/nix/evaluate/shared-work.js';

/** Work that ends when it is told to, or when it is aborted; counts its starts. */
function controlled() {
  const state = { starts: 0, aborted: 0, finish: (): void => undefined };
  const work = (signal: AbortSignal): Promise<string> =>
    new Promise((resolve, reject) => {
      state.starts += 1;
      state.finish = () => {
        resolve('done');
      };
      signal.addEventListener('abort', () => {
        state.aborted += 1;
        reject(new Error('ended'));
      });
    });
  return { state, work };
}

test('those who ask at the same time share one piece of work, those who come later start another', async () => {
  const shared = new SharedWork<string>();
  const { state, work } = controlled();
  const { signal } = new AbortController();
  const both = Promise.all([shared.share('k', signal, work), shared.share('k', signal, work)]);
  state.finish();
  assert.deepEqual(await both, ['done', 'done']);
  assert.equal(state.starts, 1);
  const again = shared.share('k', signal, work);
  state.finish();
  await again;
  assert.equal(state.starts, 2);
});

test('one who gives up leaves the work to the others', async () => {
  const shared = new SharedWork<string>();
  const { state, work } = controlled();
  const leaver = new AbortController();
  const left = shared.share('k', leaver.signal, work);
  const stays = shared.share('k', new AbortController().signal, work);
  leaver.abort(new Error('gave up'));
  await assert.rejects(left, /gave up/);
  assert.equal(state.aborted, 0);
  state.finish();
  assert.equal(await stays, 'done');
});

test('the last one who gives up ends the work, and nobody joins what is ending', async () => {
  const shared = new SharedWork<string>();
  const { state, work } = controlled();
  const leaver = new AbortController();
  const left = shared.share('k', leaver.signal, work);
  leaver.abort();
  const later = shared.share('k', new AbortController().signal, work);
  await assert.rejects(left, /ended/);
  assert.deepEqual([state.starts, state.aborted], [2, 1]);
  await turn();
  state.finish();
  assert.equal(await later, 'done');
});
