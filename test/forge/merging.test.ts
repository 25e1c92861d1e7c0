import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { candidateOf } from '../../activities/git/bundle.js';
import { fetchMirror, mirrorPath } from '../../activities/git/mirror.js';
import type { FollowInput, RequestState } from '../../model/contract/requests.js';
import type { ForgeKind } from '../../model/forge/kinds.js';
import { MERGE_METHODS, type MergeMethod, type Merger } from '../../model/forge/merging.js';
import { createActivities } from '../../workers/activities.js';
import { allWorlds } from '../support/forge-worlds.js';
import { until } from '../support/lockkeeper.js';
import { exampleReport, exampleTarget } from '../support/report.js';
import { activityEnvironment } from '../support/repository.js';
import { withFolder } from '../support/scope.js';

const METHODS: Readonly<Record<ForgeKind, readonly MergeMethod[]>> = {
  // A merge commit is made by a person, below.
  gitea: ['fast-forward', 'rebase', 'squash'],
  github: MERGE_METHODS,
  gitlab: ['fast-forward', 'merge', 'squash'],
};
/** What a request waits for while a check of others has not ended. */
const WAITS: Readonly<Record<ForgeKind, RegExp>> = {
  gitea: /^status ci\/test, which is pending$/,
  github: /^status ci\/test, which is pending$/,
  gitlab: /^GitLab, which says "ci still running"$/,
};
const NOTHING = { approval: null, comment: null };
const report = exampleReport({ targets: [exampleTarget('alpha')] });

for (const { name, kind, missing, begin: beginWorld } of allWorlds)
  test(`merging and answers on ${name}`, { skip: missing }, async (t) => {
    const world = await beginWorld(t);
    const { forge, repository } = world;
    const env = activityEnvironment(await withFolder(t));
    const { coordinator } = createActivities(env);
    const inActivity = <T>(work: () => Promise<T>): Promise<T> => new MockActivityEnvironment().run(work);
    const tryMerger = (merge: Merger, mergeMethod?: MergeMethod) =>
      inActivity(() =>
        coordinator.findRequests({
          ...{ repository, forge, branch: 'bot', merge },
          ...(mergeMethod && { mergeMethod }),
        }),
      );
    const proposed = async (branch: string, commit: string, merge: Merger = 'never'): Promise<number> => {
      const about = { repository, forge, branch, commit, merge, lock: null, labels: [], leftAlone: [], report };
      const { number } = await inActivity(() => coordinator.propose(about));
      await inActivity(() => coordinator.setStatuses({ forge, commit, report }));
      return number;
    };
    let branches = 0;
    /** A new update that is proposed. */
    const begin = async () => {
      const branch = `bot/update-${branches++}`;
      const base = await world.main();
      const commit = await world.push(branch, true);
      await inActivity(() => fetchMirror(env, repository));
      const candidate = await candidateOf(mirrorPath(env, repository), base, commit);
      const number = await proposed(branch, commit);
      const follow = (merge: Merger, more: Partial<FollowInput> = {}): Promise<RequestState> =>
        inActivity(() =>
          coordinator.followRequest({ repository, forge, number, branch, commit, candidate, merge, ...more }),
        );
      /** What becomes of it, also when it is asked while the forge merges. */
      const end = async (merge: Merger, more: Partial<FollowInput> = {}) => {
        let seen: RequestState = { kind: 'open', waitsFor: null };
        const isOver = async (): Promise<boolean> => {
          try {
            seen = await follow(merge, more);
          } catch (error) {
            if (!(error instanceof ApplicationFailure) || error.type !== 'ForgeUnreachable') throw error;
          }
          return seen.kind !== 'open';
        };
        await until(isOver, 60_000, () => JSON.stringify(seen));
        return seen;
      };
      return { branch, number, commit, candidate, follow, end };
    };
    const assertMerged = async (seen: RequestState, by: string): Promise<string> => {
      const main = await world.main();
      assert.deepEqual(seen, { kind: 'merged', by, commit: main, asVerified: true });
      return main;
    };

    await t.test('what nothing guards is not left to the forge', async () => {
      await assert.rejects(tryMerger('forge'), {
        type: 'ForgeRefused',
        message: /may not merge by itself .* does not require .*merge = "self"/,
      });
      await tryMerger('self');
    });

    await t.test('it is merged in each way that the repository allows, and in no other', async () => {
      for (const method of METHODS[kind]) {
        await world.allow([method]);
        const update = await begin();
        const main = await assertMerged(await update.end('self', { mergeMethod: method }), 'keeper');
        // Gitea leaves what is based on main already as it is.
        const isThat = method === 'fast-forward' || (kind === 'gitea' && method === 'rebase');
        assert.equal(main === update.commit, isThat, method);
      }
      await world.allow(['squash']);
      await assert.rejects(tryMerger('self', 'merge'), {
        type: 'ForgeRefused',
        message: /by merge: give mergeMethod \(--merge-method\) as one of squash/,
      });
      await world.allow(['merge', 'squash']);
    });

    await t.test('who has merged or closed it is told, and a main that was moved to it counts as merged', async () => {
      const [ann, merged] = [world.as('ann'), await begin()];
      await ann.merge(merged.number);
      await assertMerged(await merged.end('never'), 'ann');
      const closed = await begin();
      await ann.close(closed.number);
      assert.deepEqual(await closed.end('never'), { kind: 'closed', by: 'ann' });
      const pushed = await begin();
      await world.pushTo('main', pushed.branch);
      const seen = await pushed.end('self');
      assert.deepEqual([seen.kind, await world.main()], ['merged', pushed.commit]);
    });

    await world.protect();
    await t.test('it is merged once all that main requires is there', async () => {
      const update = await begin();
      await world.setStatus(update.commit, 'ci/test', 'pending');
      const waiting = await update.follow('self');
      assert.ok(waiting.kind === 'open');
      assert.match(waiting.waitsFor ?? '', WAITS[kind]);
      await world.setStatus(update.commit, 'ci/test', 'success');
      await assertMerged(await update.end('self'), 'keeper');
    });

    await t.test('it waits for a review that main requires, also where its account could do without', async () => {
      await world.requireReview(true);
      const update = await begin();
      await world.setStatus(update.commit, 'ci/test', 'success');
      for (const mergeMethod of kind === 'github' ? (['fast-forward', 'squash'] as const) : [undefined]) {
        const waiting = await update.follow('self', mergeMethod && { mergeMethod });
        assert.equal(waiting.kind, 'open');
      }
      await world.as('ann').approve(update.number, update.commit);
      await assertMerged(await update.end('self'), 'keeper');
      await world.requireReview(false);
    });

    await t.test('the forge merges it then by itself, also when it is told twice', async () => {
      await tryMerger('forge');
      const update = await begin();
      await world.setStatus(update.commit, 'ci/test', 'pending');
      const left = { kind: 'open', waitsFor: 'the forge to merge it' };
      let seen: RequestState | null = null;
      // Gitea first finds out whether it can be merged.
      await until(
        async () => isDeepStrictEqual((seen = await update.follow('forge')), left),
        30_000,
        () => JSON.stringify(seen),
      );
      assert.deepEqual(await update.follow('forge'), left);
      await world.setStatus(update.commit, 'ci/test', 'success');
      await assertMerged(await update.end('never'), 'keeper');
      const green = await begin();
      await world.setStatus(green.commit, 'ci/test', 'success');
      await assertMerged(await green.end('forge'), 'keeper');
    });

    await t.test('what it was to merge for an earlier run is told anew for the next one', async () => {
      const update = await begin();
      await world.setStatus(update.commit, 'ci/test', 'pending');
      await update.follow('forge');
      const next = await world.push(update.branch);
      assert.equal(await proposed(update.branch, next, 'forge'), update.number);
      await world.setStatus(next, 'ci/test', 'success');
      assert.equal((await world.requests()).find(({ number }) => number === update.number)?.isOpen, true);
    });

    await t.test(
      'what is a person’s to merge by now is taken back from the forge, unless a person left it to that',
      async () => {
        const [one, other] = [await begin(), await begin()];
        const leave = async ({ branch, commit }: typeof one, to: (update: typeof one) => Promise<unknown>) => {
          await proposed(branch, commit, 'forge');
          await world.setStatus(commit, 'ci/test', 'pending');
          await to(branch === one.branch ? one : other);
          await proposed(branch, commit, 'never');
          await world.setStatus(commit, 'ci/test', 'success');
        };
        await leave(one, ({ follow }) => follow('forge'));
        await leave(other, ({ number }) => world.as('ann').mergeLater(number));
        await assertMerged(await other.end('never'), 'ann');
        assert.deepEqual(await one.follow('never'), { kind: 'open', waitsFor: null });
      },
    );

    await t.test('an answer to a merge that is lost merges nothing twice', async () => {
      const update = await begin();
      await world.setStatus(update.commit, 'ci/test', 'success');
      world.disturbances.loseAnswer(world.calls.merge);
      await until(
        () =>
          update.follow('self', { mergeMethod: 'squash' }).then(
            () => false,
            () => true,
          ),
        60_000,
        () => 'not merged',
      );
      await assertMerged(await update.end('self'), 'keeper');
    });

    await t.test('what somebody pushes and merges between two looks is told to be something else', async () => {
      const update = await begin();
      const theirs = await world.push(update.branch);
      for (const context of ['lockkeeper', 'ci/test']) await world.setStatus(theirs, context, 'success');
      await world.as('ann').merge(update.number);
      const seen = await update.follow('never', { answers: true, candidate: { ...update.candidate, bundle: '' } });
      assert.deepEqual(seen, { kind: 'merged', by: 'ann', commit: await world.main(), asVerified: false });
    });

    await t.test('a base that is changed at the moment of merging is seen afterwards', async () => {
      await world.pushTo('aside', 'main');
      const update = await begin();
      await world.setStatus(update.commit, 'ci/test', 'success');
      const main = await world.main();
      let isAsked = false;
      world.disturbances.before(world.calls.merge, () => {
        isAsked = true;
        return world.setBase(update.number, 'aside');
      });
      const tried: RequestState[] = [];
      // Gitea looks for conflicts first.
      const isTried = async (): Promise<boolean> => {
        tried.push(await update.follow('self', { mergeMethod: 'squash' }));
        return isAsked;
      };
      await until(isTried, 60_000, () => JSON.stringify(tried));
      const seen = tried.at(-1);
      assert.ok(seen?.kind === 'moved' && seen.into === 'aside', JSON.stringify(seen));
      // Gitea does not merge into a base that it has not looked at.
      if (kind !== 'gitea') assert.deepEqual(seen.merged?.by, 'keeper');
      assert.equal(await world.main(), main);
    });

    await t.test('it merges nothing that somebody pushes', async () => {
      const update = await begin();
      await world.setStatus(update.commit, 'ci/test', 'pending');
      await update.follow('forge');
      const theirs = await world.push(update.branch);
      assert.deepEqual(await update.follow('forge'), { kind: 'moved', head: theirs });
      const before = await world.main();
      for (const context of ['lockkeeper', 'ci/test']) await world.setStatus(theirs, context, 'success');
      assert.equal((await world.requests()).find(({ number }) => number === update.number)?.isOpen, true);
      assert.equal(await world.main(), before);
      assert.equal((await update.follow('self')).kind, 'moved');
    });

    await t.test('it merges nothing into another branch, and what somebody merges there is not landed', async () => {
      await world.pushTo('release', 'main');
      const update = await begin();
      const { number, commit, follow } = update;
      await world.setStatus(commit, 'ci/test', 'pending');
      await follow('forge');
      await world.setBase(number, 'release');
      const elsewhere = { kind: 'moved', head: commit, into: 'release' };
      for (const merge of ['forge', 'self', 'never'] as const) assert.deepEqual(await follow(merge), elsewhere);
      await world.setStatus(commit, 'ci/test', 'success');
      assert.equal((await world.requests()).find((each) => each.number === number)?.isOpen, true);
      // Gitea does not always get ready to merge into a base that was changed just now.
      if (kind !== 'gitea') {
        await world.as('ann').merge(number);
        const { merged, ...seen } = (await follow('never', { answers: true })) as Extract<
          RequestState,
          { readonly kind: 'moved' }
        >;
        assert.deepEqual([seen, merged?.by], [elsewhere, 'ann']);
      }
      assert.equal(await world.main(), update.candidate.base);
    });

    await t.test('only who may push answers, only later than the question, and only about this commit', async () => {
      const update = await begin();
      const { number, commit } = update;
      const [ann, eve] = [world.as('ann'), world.as('eve')];
      const approval = `\`/approve ${commit}\` looks fine`;
      await ann.comment(number, approval);
      await ann.approve(number, commit);
      const found = await inActivity(() =>
        coordinator.findRequests({ repository, forge, branch: update.branch, candidate: update.candidate, asks: true }),
      );
      const asked = { answers: true, laterThan: found.said ?? NOTHING } as const;
      assert.deepEqual(await update.follow('never', asked), { kind: 'open', waitsFor: null });
      await eve.comment(number, approval);
      await ann.comment(number, `\`/approve ${'0'.repeat(40)}\``);
      const seen = await update.follow('never', asked);
      assert.match(seen.kind === 'open' ? (seen.waitsFor ?? '') : seen.kind, /eve is not known to be allowed/);
      await ann.comment(number, approval);
      assert.deepEqual(await update.follow('never', asked), { kind: 'approved', by: 'ann', comment: 'looks fine' });
    });

    await t.test('an approving review is an answer, of the commit that it saw', async () => {
      const update = await begin();
      const ann = world.as('ann');
      await ann.approve(update.number, update.commit);
      const asked = { answers: true, laterThan: NOTHING } as const;
      assert.deepEqual(await update.follow('never', asked), { kind: 'approved', by: 'ann', comment: null });
      const commit = await world.push(update.branch);
      const again = { ...asked, commit };
      assert.equal((await update.follow('never', again)).kind, 'open');
      await ann.approve(update.number, commit);
      assert.equal((await update.follow('never', again)).kind, 'approved');
    });

    await t.test('of two requests for one branch the elder stays, whoever opens them', async () => {
      const [branch, one] = ['bot/twice', await world.push('bot/twice', true)];
      const about = { repository, forge, branch, commit: one, lock: null, labels: [], leftAlone: [] };
      const runs = ['night', 'day', 'evening'];
      // As a run asks again: Gitea does not bear two changes at once.
      const propose = async (run: string): Promise<void> => {
        const ask = async (): Promise<boolean> => {
          try {
            await inActivity(() => coordinator.propose({ ...about, report: { ...report, run } }));
            return true;
          } catch (error) {
            if (!(error instanceof ApplicationFailure) || error.type !== 'ForgeUnreachable') throw error;
            return false;
          }
        };
        await until(ask, 60_000, () => run);
      };
      await Promise.all(runs.map(propose));
      const opened = async () => (await world.requests()).filter(({ body, isOpen }) => isOpen && body.includes(branch));
      const [first, ...others] = await opened();
      assert.ok(first !== undefined);
      assert.deepEqual(others, []);
      const twin = world.small?.twin(first.number, first.body.replace(/run=\w+/, 'run=other'));
      const { number } = await inActivity(() => coordinator.propose({ ...about, report }));
      assert.equal(number, first.number);
      assert.deepEqual(
        (await opened()).map((each) => each.number),
        [first.number],
      );
      if (twin !== undefined) assert.match((await world.comments(twin)).join(), /goes on in [#!]\d+/);
      const found = await inActivity(() => coordinator.findRequests({ repository, forge, branch }));
      assert.deepEqual(
        found.requests.map(({ state }) => state),
        ['open'],
      );
    });

    world.check?.();
  });
