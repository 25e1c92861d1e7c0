import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createLookAtMain } from '../../activities/git/look-at-main.js';
import type { SeenMain } from '../../model/contract/landing.js';
import { commitFiles, git } from '../support/git.js';
import { withPlace, type Place } from '../support/repository.js';

const look = ({ env, repository }: Place, seen?: string): Promise<SeenMain> =>
  new MockActivityEnvironment().run(() => createLookAtMain(env)({ repository, ...(seen !== undefined && { seen }) }));

test('a main that moves on has lost nothing; one that was force-pushed has, and also when it went back', () =>
  withPlace(async (place) => {
    const { checkout, base } = place;
    const push = (...words: readonly string[]) => git(checkout, 'push', '--quiet', ...words, 'origin', 'HEAD:main');
    assert.deepEqual(await look(place), { commit: base });
    assert.deepEqual(await look(place, base), { commit: base });
    const one = await commitFiles(checkout, { one: 'one' }, 'one');
    const two = await commitFiles(checkout, { two: 'two' }, 'two');
    await push();
    assert.deepEqual(await look(place, base), { commit: two });

    await git(checkout, 'reset', '--quiet', '--hard', one);
    const amended = await commitFiles(checkout, { two: 'another' }, 'two');
    await push('--force');
    assert.deepEqual(await look(place, two), { commit: amended, lost: two });
    assert.deepEqual(await look(place, amended), { commit: amended }, 'it is told once');
    await git(checkout, 'reset', '--quiet', '--hard', base);
    await push('--force');
    assert.deepEqual(await look(place, amended), { commit: base, lost: amended });
    assert.deepEqual(
      await look(place, 'f'.repeat(40)),
      { commit: base, lost: 'f'.repeat(40) },
      'which nobody has any more',
    );
  }));
