import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import { openForge } from '../../activities/forge/index.js';
import type { ProposeInput } from '../../model/contract/activities.js';
import { forges } from '../../model/forge/index.js';
import { FORGE_KINDS, type ForgeKind } from '../../model/forge/kinds.js';
import { readMark } from '../../model/report/forge/request.js';
import type { Report } from '../../model/report/data.js';
import { createActivities } from '../../workers/activities.js';
import { forgeWorlds, type ForgeWorld } from '../support/forge-worlds.js';
import { exampleReport, exampleTarget } from '../support/report.js';
import { activityEnvironment, repositoryAt } from '../support/repository.js';
import { withFolder } from '../support/scope.js';

const BRANCH = 'bot/flake-update';
const BESIDE = `${BRANCH}-20261121-093000`;
const repository = repositoryAt('https://forge.example/keeper/fleet.git');
const lock = 'd'.repeat(40);
/** What each kind calls the states of a commit. */
const STATES: Readonly<Record<ForgeKind, readonly [failure: string, error: string]>> = {
  gitea: ['failure', 'error'],
  github: ['failure', 'error'],
  gitlab: ['failed', 'canceled'],
};

for (const kind of FORGE_KINDS)
  test(`requests and statuses on ${forges[kind].label}`, { skip: forgeWorlds[kind].missing }, async (t) => {
    const world = await forgeWorlds[kind].begin(t);
    const { coordinator } = createActivities(activityEnvironment(await withFolder(t)));
    const { forge } = world;
    const inActivity = <T>(work: () => Promise<T>): Promise<T> => new MockActivityEnvironment().run(work);
    const find = () => inActivity(() => coordinator.findRequests({ repository, forge, branch: BRANCH }));
    const propose = (input: Omit<ProposeInput, 'forge'>) => inActivity(() => coordinator.propose({ ...input, forge }));
    const setStatuses = (commit: string, report: Report) =>
      inActivity(() => coordinator.setStatuses({ forge, commit, report }));
    const proposal = (branch: string, commit: string, run: string, input = 'nixpkgs') => {
      const [example] = exampleReport().inputs;
      assert.ok(example !== undefined);
      const report = exampleReport({ run, inputs: [{ ...example, name: input }] });
      return { repository, branch, commit, lock, labels: ['nix', 'bot: update'], leftAlone: [], report };
    };
    const numbers = async (isOpen: boolean) =>
      (await world.requests()).filter((each) => each.isOpen === isOpen).map(({ number }) => number);

    await t.test('a token that may only read is refused before there is any work', async () => {
      await withToken(world, await world.narrowToken(), async () => {
        await assert.rejects(find(), {
          type: 'ForgeRefused',
          message: /does not let the token in .* do this.*(?:write|insufficient_scope)/s,
        });
      });
      assert.deepEqual(await find(), { requests: [], lock: null, declined: null });
      assert.deepEqual(await world.requests(), [], 'trying opens nothing');
    });

    const commit = await world.push(BRANCH);
    await t.test('a request is opened once, with its labels', async () => {
      const one = await propose(proposal(BRANCH, commit, 'night'));
      const other = await propose(proposal(BRANCH, commit, 'night'));
      const another = { title: 'x', body: 'x', branch: BRANCH, into: 'main', labels: [] };
      assert.equal(await inActivity(() => openForge(forge).open(another)), null, 'one is there');
      const [opened, ...others] = await world.requests();
      assert.ok(opened !== undefined);
      assert.deepEqual([others, one, other.number], [[], one, opened.number]);
      assert.equal(opened.title, 'chore(flake): update nixpkgs');
      assert.deepEqual(opened.labels, ['bot: update', 'nix']);
      assert.deepEqual(readMark(opened.body), { run: 'night', commit, lock, closedBy: null });
    });

    await t.test('it is refreshed when there is something else to say, and not otherwise', async () => {
      const next = await world.push(BRANCH);
      await propose(proposal(BRANCH, next, 'day', 'disko'));
      await propose(proposal(BRANCH, next, 'day', 'disko'));
      const [request, ...others] = await world.requests();
      assert.deepEqual([others, request?.title], [[], 'chore(flake): update disko']);
      assert.deepEqual(readMark(request?.body ?? '')?.commit, next);
    });

    await t.test('statuses are set once', async () => {
      const targets = [
        exampleTarget('alpha'),
        exampleTarget('beta', { verdict: 'build-failed' }),
        exampleTarget('gamma', { verdict: 'skipped' }),
      ];
      const report = exampleReport({ targets });
      await setStatuses(commit, report);
      await setStatuses(commit, report);
      const [failure, error] = STATES[kind];
      assert.deepEqual(await world.statuses(commit), [
        `lockkeeper ${failure}`,
        'lockkeeper/alpha success',
        `lockkeeper/beta ${failure}`,
        `lockkeeper/gamma ${error}`,
      ]);
    });

    await t.test('one that stays is named in both, once', async () => {
      const leftAlone = [{ branch: BRANCH, reason: 'holds a commit of @ann' }];
      const beside = { ...proposal(BESIDE, await world.push(BESIDE), 'beside'), leftAlone };
      const { number } = await propose(beside);
      await propose(beside);
      const [first, second] = await world.requests();
      assert.match(second?.body ?? '', new RegExp(`\\n${forges[kind].reference(first?.number ?? 0)} stays as it is`));
      const said = await world.comments(first?.number ?? 0);
      assert.equal(said.length, 1, said.join('\n'));
      assert.match(said[0] ?? '', new RegExp(`holds a commit of @&#8203;ann.*in ${forges[kind].reference(number)}\\.`));
    });

    await t.test('what a person closes is declined until it is opened again', async () => {
      const [, second] = await world.requests();
      assert.ok(second !== undefined);
      const states = async () => (await find()).requests.map(({ branch, state }) => `${branch} ${state}`).sort();
      await world.setState(second.number, 'closed');
      assert.deepEqual(await states(), [`${BRANCH} open`, `${BESIDE} declined`]);
      await world.setState(second.number, 'open');
      assert.deepEqual(await states(), [`${BRANCH} open`, `${BESIDE} open`]);
    });

    await t.test('what has nothing left is closed with a comment, and a repeat tells the same', async () => {
      const close = async () => {
        const input = { repository, forge, branch: BRANCH, run: 'evening' };
        const done = await inActivity(() => coordinator.closeRequests(input));
        return done.toSorted((one, other) => one.number - other.number);
      };
      const closed = await close();
      assert.deepEqual(await close(), closed);
      const [first, second] = await world.requests();
      const expected = [first, second].filter((each) => each !== undefined);
      assert.deepEqual(
        closed.map(({ number }) => number),
        expected.map(({ number }) => number),
      );
      assert.deepEqual(await numbers(true), []);
      for (const { number, body } of expected) {
        assert.match((await world.comments(number)).at(-1) ?? '', /Nothing is left to update/);
        assert.equal(readMark(body)?.closedBy, 'evening');
      }
    });

    await t.test('a repository that has moved is followed, and its new name is told', async () => {
      const name = await world.rename();
      const branch = `${BRANCH}-20261122-093000`;
      const pushed = await world.push(branch);
      const { number, moved } = await propose(proposal(branch, pushed, 'moved'));
      assert.equal(moved, name);
      assert.deepEqual(await numbers(true), [number]);
      await setStatuses(pushed, exampleReport());
      const found = await find();
      assert.deepEqual(found.requests.find((each) => each.branch === branch)?.state, 'open');
    });
    await t.test('an answer that is lost opens nothing twice', { skip: world.small === undefined }, async () => {
      const branch = `${BRANCH}-20261123-093000`;
      const pushed = await world.push(branch);
      world.small?.loseOpening();
      const before = (await world.requests()).length;
      await assert.rejects(propose(proposal(branch, pushed, 'lost')), { type: 'ForgeUnreachable' });
      const { number } = await propose(proposal(branch, pushed, 'lost'));
      const after = await world.requests();
      assert.deepEqual([after.length, after.at(-1)?.number], [before + 1, number]);
      assert.deepEqual(
        after.at(-1)?.labels,
        ['bot: update', 'nix'],
        'what the first try did not come to is made up for',
      );
    });

    await t.test('a request is found behind many others', { skip: world.small === undefined }, async () => {
      world.small?.crowd(250);
      const open = (await find()).requests.filter(({ state }) => state === 'open');
      assert.deepEqual(open.map(({ branch }) => branch).sort(), [
        `${BRANCH}-20261122-093000`,
        `${BRANCH}-20261123-093000`,
      ]);
    });

    world.check?.();
  });

async function withToken({ forge }: ForgeWorld, token: string, work: () => Promise<void>): Promise<void> {
  const before = await readFile(forge.tokenFile);
  await writeFile(forge.tokenFile, token);
  await work();
  await writeFile(forge.tokenFile, before);
}
