import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import { fetchMirror } from '../../activities/git/mirror.js';
import type { CloseRequestsInput, FindRequestsInput } from '../../model/contract/requests.js';
import { serialiseLock } from '../../model/flake-lock/serialise.js';
import type { EachRequest } from '../../model/landing/parts.js';
import { readMark } from '../../model/report/forge/request.js';
import { scheduledRunId } from '../../model/run/ids.js';
import { createActivities } from '../../workers/activities.js';
import { forgeRemote } from '../support/forge-remote.js';
import { commitFiles, git } from '../support/git.js';
import { sketchedLock } from '../support/locks.js';
import { exampleReport, exampleTarget } from '../support/report.js';
import { withPlace } from '../support/repository.js';
import { withFolder } from '../support/scope.js';
import { withSmallGithub } from '../support/small-github.js';

const BRANCH = 'bot/flake-update';
const INSTANCE = 'nightly';

test('requests are closed, and taken back from the forge, when another kind of run proposes what they have', async (t) => {
  await withPlace(async ({ env, repository, remote, checkout }) => {
    const { heads, mergeInto } = forgeRemote(remote);
    const lock = serialiseLock(sketchedLock({ alpha: { rev: 1 }, beta: { rev: 2 } }));
    const base = await commitFiles(checkout, { 'flake.lock': lock }, 'Lock');
    await git(checkout, 'push', '--quiet', 'origin', 'main');
    await fetchMirror(env, repository);
    const github = await withSmallGithub(t, 'keeper/fleet', heads, mergeInto);
    const tokenFile = path.join(await withFolder(t), 'token');
    await writeFile(tokenFile, 'ghp_swordfish', { mode: 0o600 });
    const forge = { kind: 'github' as const, url: github.url, repository: 'keeper/fleet', tokenFile };
    const about = { repository, forge, branch: BRANCH };
    const { coordinator } = createActivities(env);
    const inActivity = <T>(work: () => Promise<T>): Promise<T> => new MockActivityEnvironment().run(work);

    /** Opens a request of all inputs, or of some, that an earlier run has left to the forge. */
    const open = async (inputs: readonly string[] | null, instance = INSTANCE): Promise<number> => {
      const branch = inputs === null ? BRANCH : `${BRANCH}-${inputs.join('-')}`;
      await git(checkout, 'switch', '--quiet', '--force-create', 'update', base);
      const commit = await commitFiles(checkout, { 'flake.lock': `${lock} ` }, `Update ${branch}`);
      await git(checkout, 'push', '--quiet', '--force', 'origin', `HEAD:refs/heads/${branch}`);
      const run = `${scheduledRunId(instance, repository)}-20261129-101010`;
      const report = exampleReport({ run, targets: [exampleTarget('alpha')] });
      const { number } = await inActivity(() =>
        coordinator.propose({
          ...{ repository, forge, branch, commit, lock: null, labels: [], leftAlone: [], report },
          ...{ merge: 'forge', ...(inputs !== null && { part: { instance, inputs } }) },
        }),
      );
      github.mergeLater(number, 'merge', 'keeper');
      return number;
    };
    const isLeft = async (number: number): Promise<boolean> => {
      const address = `${github.url}/api/v3/repos/keeper/fleet/pulls/${number}`;
      const answer = await fetch(address, { headers: { authorization: 'Bearer ghp_swordfish', 'user-agent': 'test' } });
      return ((await answer.json()) as { readonly auto_merge: unknown }).auto_merge !== null;
    };
    /** `null`: it is open. */
    const lastWordsOf = (number: number): string | null => {
      if (github.pulls[number - 1]?.state === 'open') return null;
      return String(github.comments.findLast(({ of }) => of === String(number))?.body);
    };
    let runs = 0;
    const close = async (each: Partial<EachRequest>, more: Partial<CloseRequestsInput> = {}): Promise<void> => {
      const run = `run-${runs++}`;
      const known: EachRequest = { instance: INSTANCE, parts: [], asked: 'all', unknown: [], ...each };
      const input = { ...about, base, run, each: known, ...more };
      const closed = await inActivity(() => coordinator.closeRequests(input));
      assert.deepEqual(await inActivity(() => coordinator.closeRequests(input)), closed, 'a repeat tells the same');
      for (const { number } of closed) {
        assert.equal(readMark(String(github.pulls[number - 1]?.body))?.closedBy, run);
        assert.equal(await isLeft(number), false, 'the forge does not merge it when somebody opens it again');
      }
    };
    const reset = (): void => {
      github.pulls.splice(0);
      github.comments.splice(0);
    };
    const alpha = { inputs: ['alpha'], request: 7 };

    await t.test('the request of all inputs stays while it is not known that it is needed no more', async () => {
      const whole = await open(null);
      await close({ unknown: ['beta'] });
      await close({ asked: ['alpha'] });
      await close({ parts: [{ inputs: ['alpha'], request: null }] });
      await close({ instance: 'other', parts: [alpha] });
      assert.equal(lastWordsOf(whole), null);
      await close({});
      assert.match(lastWordsOf(whole) ?? '', /Nothing is left to update: the inputs of main are at/);
      reset();
    });

    await t.test('it is closed when one input has a request, although others are held back', async () => {
      const whole = await open(null);
      await close({ parts: [alpha, { inputs: ['beta'], request: null }], unknown: ['beta'] });
      assert.match(lastWordsOf(whole) ?? '', /Each input that moves gets a request of its own now\./);
      reset();
    });

    await t.test('those of inputs are closed when one request has all, and main what that does not', async () => {
      const numbers = [await open(['alpha']), await open(['beta']), await open(['gamma'])];
      const held = await open(['delta']);
      const others = await open(['beta', 'alpha'], 'weekly');
      const whole = await open(null);
      const together = { together: true as const, parts: [{ inputs: ['alpha'], request: whole }], unknown: ['delta'] };
      await close(together);
      const [one = '', two = '', three = ''] = numbers.map((number) => lastWordsOf(number) ?? 'open');
      assert.match(one, new RegExp(`This update is in #${whole} now`));
      assert.match(two, /Nothing is left to update: beta of main is at its newest revision/);
      assert.match(three, /main does not have gamma as an input any more/);
      for (const number of [held, others, whole]) assert.equal(lastWordsOf(number), null);
      reset();
    });

    await t.test('a run takes back what it does not go on with before its work', async () => {
      const look = async (merge: FindRequestsInput['merge'], perInput: boolean): Promise<unknown> => {
        const found = await inActivity(() =>
          coordinator.findRequests({ ...about, ...(merge && { merge }), earlier: { instance: INSTANCE, perInput } }),
        );
        return found.ofInputs;
      };
      github.required.byProtection = ['lockkeeper'];
      const all = async (): Promise<readonly [whole: number, alpha: number, others: number]> => [
        await open(null),
        await open(['alpha']),
        await open(['beta'], 'weekly'),
      ];
      const left = (numbers: readonly number[]): Promise<readonly boolean[]> => Promise.all(numbers.map(isLeft));
      const first = await all();
      assert.equal(await look('forge', false), true);
      assert.deepEqual(await left(first), [true, false, true], 'it goes on with its own');
      assert.equal(await look('never', false), true);
      assert.deepEqual(await left(first), [false, false, true]);
      reset();
      const second = await all();
      assert.equal(await look('forge', true), undefined);
      assert.deepEqual(await left(second), [false, false, true]);
      github.mergeLater(second[1], 'merge', 'ann');
      await look('never', true);
      assert.deepEqual(await left(second), [false, true, true], 'a person has left it to the forge');
    });
  });
});
