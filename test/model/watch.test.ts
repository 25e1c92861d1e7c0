import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLookNow, isPauseWatch } from '../../model/run/messages.js';
import type { RunOptions } from '../../model/run/options.js';
import {
  afterChange,
  afterFailure,
  afterRun,
  afterTelling,
  isSetWatch,
  isToVerify,
  newWatch,
  pauseMs,
  readWatchMemo,
  watchMemo,
  withLoss,
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

  const daily = { ...fresh, watch: { ...watch, pollSeconds: 86_400 } };
  assert.equal(afterFailure(daily, 'b', 'no network', 0).failed?.retryAt, 300_000, 'long before the next regular look');

  const other = { ...watch, options: { ...watch.options, repository: repositoryAt('/srv/other.git') }, digest: 'four' };
  const seen = { ...verified, seen: 'a' };
  assert.deepEqual(
    [{ ...watch, digest: 'two' }, other].map((next) => afterChange(seen, next).seen),
    ['a', null],
    'the main of another repository has lost nothing',
  );
  assert.equal(afterChange(verified, watch).verified, 'a');
  const changed = afterChange(verified, { ...watch, digest: 'two' });
  assert.deepEqual([changed.verified, changed.again], [null, false]);
  const impure = { ...watch.options, nix: { options: [], impure: true, acceptFlakeConfig: false } };
  assert.ok(
    afterChange(verified, { ...watch, options: impure, digest: 'three' }).again,
    'known under other settings of Nix',
  );
});

test('a look that failed is repeated soon, and what is asked for while a run is open is not lost', () => {
  const daily = { ...newWatch(watch), watch: { ...watch, pollSeconds: 86_400 } };
  const pauses = [0, 1, 2, 3, 40].map((missed) => (pauseMs({ ...daily, missed }, 0) ?? 0) / 1000);
  assert.deepEqual(pauses, [86_400, 30, 60, 120, 86_400]);
  assert.equal(pauseMs({ ...daily, missed: 1, paused: 'holidays' }, 0), null);

  const begun = { ...newWatch(watch), again: true };
  const open = { ...begun, again: false };
  const end = { verified: 'a' };
  const quiet = afterRun(open, begun, end, 0);
  assert.deepEqual([quiet.verified, quiet.again], ['a', false]);
  const triggered = afterRun({ ...open, again: true }, begun, end, 0);
  assert.deepEqual([triggered.verified, triggered.again], [null, true]);
  const changed = afterRun({ ...open, watch: { ...watch, digest: 'two' } }, begun, end, 0);
  assert.deepEqual([changed.verified, changed.again], [null, false]);
  const failed = afterRun(open, begun, { failed: 'a', words: 'no network' }, 0);
  assert.deepEqual([failed.failed?.runs, failed.again], [1, true], 'its next try takes nothing for known either');

  const stopped = afterRun({ ...open, verified: 'a' }, begun, { stopped: 'b' }, 0);
  assert.equal(stopped.verified, 'a', 'a commit whose run was stopped is not shown as verified');
  assert.ok(!isToVerify(stopped, 'b', 0));
  assert.match(readWatchMemo(watchMemo(stopped))?.trouble ?? '', /stopped/);
});

test('what was made for another signal is heard by none', () => {
  const heard = (sent: unknown): readonly boolean[] => [
    isLookNow(sent),
    isPauseWatch(sent),
    isSetWatch(sent, watch.options.instance),
  ];
  assert.deepEqual(heard({ about: 'lookNow', again: false }), [true, false, false]);
  assert.deepEqual(heard({ about: 'pauseWatch', paused: null }), [false, true, false]);
  assert.deepEqual(heard({ about: 'setWatch', watch }), [false, false, true]);
  assert.ok(!isSetWatch({ about: 'setWatch', watch }, 'another'));
  for (const other of [
    undefined,
    null,
    'main',
    { again: true },
    { paused: null },
    watch,
    { about: 'pauseWatch' },
    { about: 'setWatch', watch: null },
  ])
    assert.deepEqual(heard(other), [false, false, false]);
});

test('a memo of a watcher is read as it was written, and others are none', () => {
  const shown = readWatchMemo(watchMemo(afterFailure(newWatch(watch), 'b', 'no network', 0)));
  assert.deepEqual(
    [shown?.instance, shown?.pollSeconds, shown?.verified, shown?.paused, shown?.trouble],
    ['main', 300, null, null, 'no network'],
  );
  assert.equal(readWatchMemo({ lockkeeper: 'forge', instance: 'main' }), null);
});

test('what main lost and nobody could be told of stays, is tried again soon, and is shown', () => {
  const fresh = newWatch({ ...watch, pollSeconds: 3600 });
  const [one, two] = ['a', 'b'].map((commit) => ({ lost: commit.repeat(40), commit: 'c'.repeat(40) }));
  assert.ok(one !== undefined && two !== undefined);
  const untold = withLoss({ untold: withLoss(fresh, one) }, two);
  assert.deepEqual(untold, [one, two]);
  const state = { ...fresh, untold };
  assert.deepEqual([pauseMs(fresh, 0), pauseMs(state, 0)], [3_600_000, 300_000]);
  assert.equal(
    readWatchMemo(watchMemo(state))?.trouble,
    'main was force-pushed, and people could not be told: it does not have aaaaaaaaaaaa any more',
  );
  assert.deepEqual(afterTelling(untold, [one]), [two]);
  assert.equal(
    Array.from({ length: 99 }).reduce<WatchState>((last) => ({ ...last, untold: withLoss(last, one) }), fresh).untold
      .length,
    10,
  );
  const other = { ...watch, options: { ...watch.options, repository: repositoryAt('/srv/other.git') }, digest: 'four' };
  assert.deepEqual(afterChange(state, other).untold, []);
});
