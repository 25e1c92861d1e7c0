import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { commitFile } from '../../activities/git/commit.js';
import { fetchMirror } from '../../activities/git/mirror.js';
import type { FoundRequests } from '../../model/contract/requests.js';
import { serialiseLock } from '../../model/flake-lock/serialise.js';
import { readMark } from '../../model/report/forge/request.js';
import { createActivities } from '../../workers/activities.js';
import { forgeRemote } from '../support/forge-remote.js';
import { commitFiles, git } from '../support/git.js';
import { until } from '../support/lockkeeper.js';
import { sketchedLock } from '../support/locks.js';
import { exampleReport, exampleTarget } from '../support/report.js';
import { activityEnvironment, withPlace } from '../support/repository.js';
import { withFolder } from '../support/scope.js';
import { withSmallGithub } from '../support/small-github.js';

const BRANCH = 'bot/flake-update';
const person = { name: 'Lockkeeper', email: 'lockkeeper@example.org' };
const lockOf = (alpha: number): string => serialiseLock(sketchedLock({ alpha: { rev: alpha } }));

test('two installations that update one repository at the same moment open one request, which says what its branch holds', async (t) => {
  await withPlace(async ({ repository, remote, checkout }) => {
    const { heads, mergeInto } = forgeRemote(remote);
    const main = await commitFiles(checkout, { 'flake.lock': lockOf(1) }, 'Lock');
    await git(checkout, 'push', '--quiet', 'origin', 'main');
    const github = await withSmallGithub(t, 'keeper/fleet', heads, mergeInto);
    const tokenFile = path.join(await withFolder(t), 'token');
    await writeFile(tokenFile, 'ghp_swordfish', { mode: 0o600 });
    const forge = { kind: 'github' as const, url: github.url, repository: 'keeper/fleet', tokenFile };

    /** An update of an installation with a state directory of its own, up to some step. */
    const update = async (run: string, rev: number, base: string) => {
      const env = activityEnvironment(await withFolder(t));
      const { coordinator } = createActivities(env);
      const inActivity = <T>(work: () => Promise<T>): Promise<T> => new MockActivityEnvironment().run(work);
      await fetchMirror(env, repository);
      const message = `chore(flake): update flake.lock\n\nLockkeeper-Instance: nightly\nLockkeeper-Run: ${run}\n`;
      const by = { author: person, committer: person, date: 1_790_000_000 };
      const lock = { path: 'flake.lock', content: lockOf(rev) };
      const candidate = await commitFile(env, { repository, parent: base, ...lock, message, ...by });
      const about = { repository, forge, branch: BRANCH };
      const find = (): Promise<FoundRequests> => inActivity(() => coordinator.findRequests({ ...about, candidate }));
      const push = ({ requests }: FoundRequests) =>
        inActivity(() =>
          coordinator.land({
            ...{ repository, candidate, mode: 'pull-request', instance: 'nightly', run, requests },
            ...{ branch: BRANCH, fallbackBranch: `${BRANCH}-${run}` },
          }),
        );
      const propose = async ({ lock: hash }: FoundRequests, landed: Awaited<ReturnType<typeof push>>) => {
        assert.ok(landed.kind === 'landed');
        const { ref, commit, leftAlone = [] } = landed;
        const report = exampleReport({ run, targets: [exampleTarget('alpha')] });
        const proposal = { repository, forge, branch: ref, commit, lock: hash, labels: [], leftAlone, report };
        return await inActivity(() => coordinator.propose(proposal));
      };
      return { candidate, find, push, propose };
    };
    const open = () => github.pulls.filter(({ state }) => state === 'open');
    const assertOne = async (): Promise<void> => {
      const [pull, ...others] = open();
      assert.deepEqual(others, []);
      const tip = (await heads()).get(BRANCH);
      assert.equal(readMark(String(pull?.body))?.commit, tip, 'its text is about what the branch holds');
    };

    // One after the other, in the worst order.
    const [slow, fast] = [await update('one', 2, main), await update('two', 3, main)];
    const [before, later] = [await slow.find(), await fast.find()];
    const overtaken = await slow.push(before);
    const pushed = await fast.push(later);
    await fast.propose(later, pushed);
    await slow.propose(before, overtaken);
    assert.equal((await heads()).get(BRANCH), fast.candidate.head);
    await assertOne();

    // All at once, as Temporal does it: what fails for now is done again.
    const again = async <T>(work: () => Promise<T>): Promise<T> => {
      const done: T[] = [];
      const isDone = async (): Promise<boolean> => {
        try {
          done.push(await work());
          return true;
        } catch (error) {
          if (!(error instanceof ApplicationFailure) || error.nonRetryable === true) throw error;
          return false;
        }
      };
      await until(isDone, 60_000, () => 'not done');
      const [only] = done;
      if (only === undefined) throw new Error('nothing');
      return only;
    };
    github.pulls.splice(0);
    await git(remote, 'branch', '--delete', '--force', BRANCH);
    const all = await Promise.all(['three', 'four', 'five'].map((run, index) => update(run, 10 + index, main)));
    await Promise.all(
      all.map(async ({ find, push, propose }) => {
        const found = await again(find);
        const landed = await again(() => push(found));
        await again(() => propose(found, landed));
      }),
    );
    await assertOne();

    let revision = 20;
    // Somebody's commit stays. Both push after it, and look before either has pushed: each push takes a second.
    await git(checkout, 'fetch', '--quiet', 'origin', BRANCH);
    await git(checkout, 'switch', '--quiet', '--detach', 'FETCH_HEAD');
    const theirs = await commitFiles(checkout, { 'NOTES.md': 'needed\n' }, 'Needed');
    await git(checkout, 'push', '--quiet', 'origin', `HEAD:${BRANCH}`);
    await writeFile(path.join(remote, 'hooks', 'pre-receive'), '#!/bin/sh\nsleep 1\n', { mode: 0o755 });
    const beside = async (...runs: readonly string[]): Promise<void> => {
      const before = open().map(({ number }) => number);
      const next = await Promise.all(runs.map((run, index) => update(run, ++revision + index, main)));
      const found = await Promise.all(next.map(({ find }) => again(find)));
      await Promise.all(
        next.map(async ({ push, propose }, index) => {
          const seen = found[index];
          assert.ok(seen !== undefined);
          const landed = await again(() => push(seen));
          await again(() => propose(seen, landed));
        }),
      );
      const [opened, ...others] = open().filter(({ number }) => !before.includes(number));
      assert.deepEqual(others, [], 'one of both');
      const { ref } = opened?.head as { readonly ref: string };
      assert.match(ref, new RegExp(`^${BRANCH}-\\d{8}-\\d{6}$`));
      assert.equal(readMark(String(opened?.body))?.commit, (await heads()).get(ref));
    };
    await beside('20261129-101010', '20261129-101011');
    assert.equal((await heads()).get(BRANCH), theirs);

    // Somebody declines both requests.
    for (const { number } of open()) github.close(Number(number), 'ann');
    await beside('20261130-101010', '20261130-101011');
  });
});
