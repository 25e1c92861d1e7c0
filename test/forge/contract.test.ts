import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import { openForge } from '../../activities/forge/index.js';
import type { ProposeInput } from '../../model/contract/requests.js';
import { forges } from '../../model/forge/index.js';
import type { ForgeKind } from '../../model/forge/kinds.js';
import { readMark } from '../../model/report/forge/request.js';
import type { Report } from '../../model/report/data.js';
import { createActivities } from '../../workers/activities.js';
import { breakOff, type Instead } from '../support/forge-server.js';
import { allWorlds, type ForgeWorld } from '../support/forge-worlds.js';
import { exampleReport, exampleTarget } from '../support/report.js';
import { activityEnvironment, repositoryAt } from '../support/repository.js';
import { withFolder } from '../support/scope.js';

const BRANCH = 'bot/flake-update';
const BESIDE = `${BRANCH}-20261121-093000`;
const repository = repositoryAt('https://forge.example/keeper/fleet.git');
const lock = 'd'.repeat(40);
const SITE = 'https://fleet.example.org';
/** What each kind calls the states of a commit. */
const STATES: Readonly<Record<ForgeKind, readonly [failure: string, error: string]>> = {
  gitea: ['failure', 'error'],
  github: ['failure', 'error'],
  gitlab: ['failed', 'canceled'],
};

/** What a request may be told instead of its answer, after it was done. */
const SPOILT: readonly (readonly [name: string, instead: Instead])[] = [
  ['nothing', breakOff],
  ['an answer that is cut short', (response, body) => response.end(body.slice(0, body.length / 2))],
  ['a page', (response) => response.end('<html>Log in</html>')],
  ['that the server behind is gone', (response) => response.writeHead(502).end('<html>Bad gateway</html>')],
];

for (const { name, kind, missing, begin } of allWorlds)
  test(`requests and statuses on ${name}`, { skip: missing }, async (t) => {
    const world = await begin(t);
    const { coordinator } = createActivities(activityEnvironment(await withFolder(t)));
    const { forge } = world;
    const inActivity = <T>(work: () => Promise<T>): Promise<T> => new MockActivityEnvironment().run(work);
    const find = () => inActivity(() => coordinator.findRequests({ repository, forge, branch: BRANCH }));
    const propose = (input: Omit<ProposeInput, 'forge'>) => inActivity(() => coordinator.propose({ ...input, forge }));
    const setStatuses = (commit: string, report: Report) =>
      inActivity(() => coordinator.setStatuses({ forge, commit, report, siteUrl: SITE }));
    const proposal = (branch: string, commit: string, run: string, input = 'nixpkgs') => {
      const [example] = exampleReport().inputs;
      assert.ok(example !== undefined);
      const report = exampleReport({ run, inputs: [{ ...example, name: input }] });
      const given = {
        labels: ['nix', 'bot: update'],
        assignees: ['ann'],
        reviewers: ['bob', ...teams],
        milestone: '26.11',
      };
      return { repository, branch, commit, lock, ...given, asDraft: true as const, leftAlone: [], report };
    };
    const teams = forges[kind].hasTeams ? ['keepers/night-shift'] : [];
    const open = async () => (await world.requests()).filter(({ isOpen }) => isOpen);
    const numbers = async (isOpen: boolean) =>
      (await world.requests()).filter((each) => each.isOpen === isOpen).map(({ number }) => number);

    await t.test('a token that may only read is refused before there is any work', async () => {
      for (const token of await world.narrowTokens())
        await withToken(world, token, async () => {
          await assert.rejects(find(), {
            type: 'ForgeRefused',
            message: /does not let the token in .* do this.*(?:write|insufficient_scope)/s,
          });
        });
      assert.deepEqual(await find(), { requests: [], lock: null, declined: null });
      assert.deepEqual(await world.requests(), [], 'trying opens nothing');
    });

    const commit = await world.push(BRANCH);
    await t.test('a request is opened once, with all that it is to have', async () => {
      const one = await propose(proposal(BRANCH, commit, 'night'));
      const other = await propose(proposal(BRANCH, commit, 'night'));
      const none = { labels: [], assignees: [], reviewers: [], milestone: null, draft: false };
      const another = { title: 'x', body: 'x', branch: BRANCH, into: 'main', ...none };
      assert.equal(await inActivity(() => openForge(forge).open(another)), null, 'one is there');
      const [opened, ...others] = await world.requests();
      assert.ok(opened !== undefined);
      assert.deepEqual([others, one, other.number], [[], one, opened.number]);
      assert.equal(opened.title, `${forges[kind].drafts?.prefix ?? ''}chore(flake): update nixpkgs`);
      assert.deepEqual(opened.labels, ['bot: update', 'nix']);
      const { assignees, reviewers, milestone, isDraft } = opened;
      assert.deepEqual([assignees, reviewers, milestone, isDraft], [['ann'], ['bob', ...teams], '26.11', true]);
      const made = kind === 'github' ? ['bot: update', 'nix'] : ['bot: update'];
      assert.deepEqual(await world.labels(), made, 'a label of the organization is not made again');
      assert.deepEqual(readMark(opened.body), { run: 'night', commit, lock, closedBy: null });
    });

    await t.test('what it cannot be given is told, and keeps nothing else from it', async () => {
      const branch = 'aside/misspelt';
      const team = teams.map((each) => `${each}s`);
      const { number, without } = await propose({
        ...proposal(branch, await world.push(branch), 'misspelt'),
        ...{ assignees: ['nobody', 'ann'], reviewers: ['bob', 'nobody', ...team], milestone: '26.05' },
      });
      const told = ['assignee "nobody": ', 'reviewer "nobody": ', ...team.map((each) => `reviewer "${each}": `)];
      const all = [...told, 'milestone "26.05": there is no open milestone of that title'];
      assert.equal(without?.length, all.length, without?.join('\n'));
      for (const [index, each] of all.entries()) assert.ok(without[index]?.startsWith(each), without[index]);
      const request = (await world.requests()).find((each) => each.number === number);
      assert.deepEqual(
        [request?.assignees, request?.reviewers, request?.milestone, request?.labels],
        [['ann'], ['bob'], null, ['bot: update', 'nix']],
      );
      await world.setState(number, 'closed');
    });

    await t.test('it is refreshed when there is something else to say, and not otherwise', async () => {
      // A person has marked it as ready.
      await world.setReady(1);
      const next = await world.push(BRANCH);
      const { milestone, ...most } = proposal(BRANCH, next, 'day', 'disko');
      await propose({ ...most, milestone });
      let changes = 0;
      world.disturbances.before(world.calls.change, () => Promise.resolve((changes += 1)));
      await propose({ ...most, labels: [], assignees: [], reviewers: [] });
      // Others give people by the same call, once more to what the same run has opened.
      if (kind === 'github') await propose({ ...most, milestone });
      assert.equal(changes, 0);
      const [request, ...others] = (await world.requests()).filter(({ isOpen }) => isOpen);
      assert.deepEqual([others, request?.title, request?.isDraft], [[], 'chore(flake): update disko', false]);
      assert.deepEqual(readMark(request?.body ?? '')?.commit, next);
    });

    await t.test('the same lock on a main that moved is said once, and another lock only in the text', async () => {
      const said = async () => (await world.comments(1)).filter((each) => each.includes('has verified the same'));
      const [first] = await said();
      assert.match(
        first ?? '',
        /^main has moved to \w+\. Lockkeeper has verified the same `flake\.lock` on it, as commit /,
      );
      const other = { ...proposal(BRANCH, await world.push(BRANCH), 'evening', 'disko'), lock: 'e'.repeat(40) };
      await propose(other);
      await propose({ ...other, report: { ...other.report, run: 'later' } });
      assert.deepEqual(await said(), [first]);
      assert.equal(readMark((await open())[0]?.body ?? '')?.run, 'later');
    });

    await t.test('statuses are set once', async () => {
      const targets = [
        exampleTarget('alpha'),
        exampleTarget('beta', { verdict: 'build-failed' }),
        exampleTarget('gamma', { verdict: 'skipped' }),
      ];
      const report = exampleReport({ run: 'night:1', targets });
      await setStatuses(commit, report);
      await setStatuses(commit, report);
      const [failure, error] = STATES[kind];
      const page = `${SITE}/runs/night%3A1.html`;
      assert.deepEqual(await world.statuses(commit), [
        `lockkeeper ${failure} ${page}`,
        `lockkeeper/alpha success ${page}`,
        `lockkeeper/beta ${failure} ${page}`,
        `lockkeeper/gamma ${error} ${page}`,
      ]);
    });

    await t.test('one that stays is named in both, once', async () => {
      const leftAlone = [{ branch: BRANCH, reason: 'holds a commit of @ann' }];
      const beside = { ...proposal(BESIDE, await world.push(BESIDE), 'beside'), leftAlone };
      const { number } = await propose(beside);
      await propose(beside);
      const [first, second] = await open();
      assert.match(second?.body ?? '', new RegExp(`\\n${forges[kind].reference(first?.number ?? 0)} stays as it is`));
      const said = (await world.comments(first?.number ?? 0)).filter((each) => each.includes('proposes'));
      assert.equal(said.length, 1, said.join('\n'));
      assert.match(said[0] ?? '', new RegExp(`holds a commit of @&#8203;ann.*in ${forges[kind].reference(number)}\\.`));
    });

    await t.test('what a person closes is declined until it is opened again', async () => {
      const [, second] = await open();
      assert.ok(second !== undefined);
      const states = async () => (await find()).requests.map(({ branch, state }) => `${branch} ${state}`).sort();
      await world.setState(second.number, 'closed');
      assert.deepEqual(await states(), [`${BRANCH} open`, `${BESIDE} declined`]);
      await world.setState(second.number, 'open');
      assert.deepEqual(await states(), [`${BRANCH} open`, `${BESIDE} open`]);
    });

    await t.test(
      'one that takes the place of a closed one is named in both, and one of others stays as it is',
      async () => {
        const { number: declined } = await propose(proposal('aside/one', await world.push('aside/one'), 'one'));
        await world.setState(declined, 'closed');
        const next = { ...proposal('aside/two', await world.push('aside/two'), 'two'), replaces: declined };
        const { number } = await propose(next);
        await propose(next);
        const all = await world.requests();
        const body = all.find((each) => each.number === number)?.body ?? '';
        assert.ok(
          body.includes(`\n${forges[kind].reference(declined)} was closed: this is another \`flake.lock\`.`),
          body,
        );
        const said = await world.comments(declined);
        assert.deepEqual(
          said.map((each) => each.split('\n')[0]),
          [
            `Lockkeeper does not propose this \`flake.lock\` again. Another one is in ${forges[kind].reference(number)}.`,
          ],
        );
        await world.setState(number, 'closed');

        const branch = `${BRANCH}-20261119-093000`;
        await world.push(branch);
        const theirs = { title: 'By hand', body: 'x', branch, into: 'main', labels: [], assignees: [], reviewers: [] };
        const opened = await inActivity(() => openForge(forge).open({ ...theirs, milestone: null, draft: false }));
        assert.equal((await find()).requests.find((each) => each.branch === branch)?.state, 'theirs');
        await world.setState(opened?.number ?? 0, 'closed');
      },
    );

    await t.test('a newer update closes the requests of older ones, and none with commits of others', async () => {
      const runOf = (time: string): string => `update-fleet-20261120-${time}`;
      const [old, foreign, newest] = ['aside/u-1', 'aside/u-2', 'aside/u-3'];
      const { number: first } = await propose(proposal(old, await world.push(old), runOf('010000')));
      const { number: second } = await propose(proposal(foreign, await world.push(foreign), runOf('020000')));
      await world.push(foreign);
      const reasons = [
        { branch: foreign, reason: 'has a commit of @ann' },
        { branch: old, reason: 'has another update' },
      ];
      const next = { ...proposal(newest, await world.push(newest), runOf('030000')), leftAlone: reasons };
      const { number } = await propose({ ...next, perRun: true });
      await propose({ ...next, perRun: true, leftAlone: reasons.slice(0, 1) });
      const all = await world.requests();
      const shownAt = (wanted: number) => all.find((each) => each.number === wanted);
      assert.deepEqual(
        [first, second, number].map((each) => shownAt(each)?.isOpen),
        [false, true, true],
      );
      assert.equal(readMark(shownAt(first)?.body ?? '')?.closedBy, runOf('030000'));
      const reference = forges[kind].reference(number);
      assert.deepEqual(
        (await world.comments(first)).map((each) => each.split('\n')[0]),
        [`A newer update is in ${reference}. Lockkeeper closes this request; its branch stays.`],
      );
      assert.match((await world.comments(second)).at(-1) ?? '', new RegExp(`proposes its update in ${reference}\\.`));
      assert.ok(!shownAt(number)?.body.includes(`${forges[kind].reference(first)} stays`));
      for (const each of [second, number]) await world.setState(each, 'closed');
    });

    await t.test('what has nothing left is closed with a comment, and a repeat tells the same', async () => {
      const close = async () => {
        const input = { repository, forge, branch: BRANCH, run: 'evening' };
        const done = await inActivity(() => coordinator.closeRequests(input));
        return done.toSorted((one, other) => one.number - other.number);
      };
      const ours = await numbers(true);
      const closed = await close();
      assert.deepEqual(await close(), closed);
      const after = await world.requests();
      const expected = ours
        .map((each) => after.find(({ number }) => number === each))
        .filter((each) => each !== undefined);
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
    await t.test('an answer that is lost or spoilt opens nothing twice, and says nothing twice', async () => {
      // Each costs a real server seconds, and all are told by the same code.
      const all = world.small === undefined ? SPOILT.slice(1, 2) : SPOILT;
      for (const [index, [spoilt, instead]] of all.entries()) {
        const branch = `${BRANCH}-2026112${index + 3}-093000`;
        const pushed = await world.push(branch);
        const before = await world.requests();
        const beside = { branch: `${BRANCH}-20261122-093000`, reason: 'holds a commit of @ann' };
        const wanted = { ...proposal(branch, pushed, `lost${index}`), leftAlone: [beside] };
        for (const which of [world.calls.open, world.calls.comment]) {
          world.disturbances.loseAnswer(which, instead);
          await assert.rejects(propose(wanted), { name: 'ApplicationFailure' }, spoilt);
        }
        const { number } = await propose(wanted);
        const after = await world.requests();
        assert.deepEqual([after.length, after.at(-1)?.number], [before.length + 1, number], spoilt);
        assert.deepEqual(
          after.at(-1)?.labels,
          ['bot: update', 'nix'],
          'what the first try did not come to is made up for',
        );
        const first = after.find(({ isOpen }) => isOpen)?.number ?? 0;
        const said = (await world.comments(first)).filter((each) =>
          each.includes(`${forges[kind].reference(number)}.`),
        );
        assert.equal(said.length, 1, `${spoilt}: ${said.join('\n')}`);
        await world.setState(number, 'closed');
      }
    });

    await t.test('a request is found behind many others', { skip: world.small === undefined }, async () => {
      world.small?.crowd(250);
      const open = (await find()).requests.filter(({ state }) => state === 'open');
      assert.deepEqual(
        open.map(({ branch }) => branch),
        [`${BRANCH}-20261122-093000`],
      );
    });

    world.check?.();
  });

async function withToken({ forge }: ForgeWorld, token: string, work: () => Promise<void>): Promise<void> {
  const before = await readFile(forge.tokenFile);
  await writeFile(forge.tokenFile, token);
  await work();
  await writeFile(forge.tokenFile, before);
}
