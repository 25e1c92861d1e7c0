import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunOptions } from '../../model/run/options.js';
import {
  afterChange,
  afterFailure,
  isToVerify,
  newWatch,
  readWatchMemo,
  watchMemo,
  type Watch,
  type WatchState,
} from '../../model/watch/watch.js';
import { repositoryAt } from '../support/repository.js';

const watch: Watch = {
  lockkeeper: 'forge',
  pollSeconds: 300,
  options: { instance: 'main', repository: repositoryAt('/srv/fleet.git') } as RunOptions,
  run: { memo: {}, staticSummary: 'verify' },
  digest: 'one',
};

test('a commit is verified once, after a failure with growing pauses, and again when other things are asked', () => {
  const fresh = newWatch(watch);
  assert.ok(isToVerify(fresh, 'a', 0));
  const verified = { ...fresh, verified: 'a' };
  assert.ok(!isToVerify(verified, 'a', 0));
  assert.ok(isToVerify(verified, 'b', 0));

  const pauses = [];
  let state: WatchState = verified;
  for (let runs = 0; runs < 9; runs += 1) {
    state = { ...state, ...afterFailure(state, 'b', 'no network', 0) };
    pauses.push((state.failed?.retryAt ?? 0) / 1000);
  }
  assert.deepEqual(pauses, [300, 600, 1200, 2400, 4800, 9600, 19_200, 21_600, 21_600]);
  assert.ok(!isToVerify(state, 'b', 21_599_999));
  assert.ok(isToVerify(state, 'b', 21_600_000));
  assert.ok(isToVerify(state, 'c', 0), 'a newer commit waits for nothing');
  assert.equal(afterFailure(state, 'c', 'no network', 0).failed?.runs, 1);

  assert.equal(afterChange(verified, watch).verified, 'a');
  const changed = afterChange(verified, { ...watch, digest: 'two' });
  assert.deepEqual([changed.verified, changed.again], [null, false]);
  const impure = { ...watch.options, nix: { options: [], impure: true, acceptFlakeConfig: false } };
  assert.ok(
    afterChange(verified, { ...watch, options: impure, digest: 'three' }).again,
    'known under other settings of Nix',
  );
});

test('a memo of a watcher is read as it was written, and others are none', () => {
  const shown = readWatchMemo(watchMemo(afterFailure(newWatch(watch), 'b', 'no network', 0)));
  assert.deepEqual(
    [shown?.instance, shown?.pollSeconds, shown?.verified, shown?.paused, shown?.trouble],
    ['main', 300, null, null, 'no network'],
  );
  assert.equal(readWatchMemo({ lockkeeper: 'forge', instance: 'main' }), null);
});
