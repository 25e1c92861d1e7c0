import assert from 'node:assert/strict';
import { cp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MockActivityEnvironment } from '@temporalio/testing';
import { candidateOf } from '../../activities/git/bundle.js';
import { commitFile } from '../../activities/git/commit.js';
import { mirrorPath, sweepWorkTrees } from '../../activities/git/mirror.js';
import { run } from '../../activities/command/process.js';
import type { LockUpdate } from '../../model/contract/lock.js';
import type { AttemptInput } from '../../model/autofix/attempt.js';
import { writeMark } from '../../model/report/forge/request.js';
import { scheduledRunId } from '../../model/run/ids.js';
import type { Candidate } from '../../model/verify/candidate.js';
import { createActivities } from '../../workers/activities.js';
import { agentOptions, writeAgent } from '../support/agent.js';
import { PLAIN_NIX } from '../support/evaluator.js';
import type { ActivityEnd } from '../support/activity-process.js';
import { withMovedFleet } from '../support/fleet.js';
import { git } from '../support/git.js';
import { ntfyMissing, withNtfyIfThere } from '../support/ntfy.js';
import { exampleReport } from '../support/report.js';
import { activityEnvironment, repositoryAt } from '../support/repository.js';
import { withSmallGithub } from '../support/small-github.js';
import { withStandInForge } from '../support/stand-in-forge.js';
import { wholeFile, withFolder } from '../support/scope.js';

/**
 * Each activity that changes something is killed before each change, each command and each request that it makes, and in
 * the midst of each command; then it is done again, as the next attempt does. What is there in the end is what one attempt
 * would have left. `npm run test:full` kills at every point, `npm test` at a few that are spread over the activity.
 */
const FULL = process.env.LOCKKEEPER_TEST_FULL === '1';
const FEW = 3;
/** Ends as making a commit does, which is killed at a few points anyway. */
const LIKE_A_COMMIT = { skip: FULL ? false : 'npm run test:full plays it' };

const PROGRAM = fileURLToPath(new URL('../support/activity-process.js', import.meta.url));
const STAMP = {
  author: { name: 'A', email: 'a@example.org' },
  committer: { name: 'C', email: 'c@example.org' },
  date: 1_790_000_000,
};
const MESSAGE = 'chore(flake): update flake.lock\n\nLockkeeper-Instance: update\nLockkeeper-Run: r\n';

/** A fleet whose update is due, before anything was done for it; `pristine` is a copy of all that. */
const fleet = await withMovedFleet(wholeFile, { hosts: [{ name: 'athena' }] });
await writeAgent(fleet.root);
const repository = repositoryAt(fleet.remote, { checkout: fleet.checkout });
const base = await git(fleet.remote, 'rev-parse', 'main');
/** A main that has moved on, on another branch. */
const ahead = await git(fleet.remote, 'commit-tree', '-m', 'By a colleague', '-p', base, `${base}^{tree}`);
await git(fleet.remote, 'update-ref', 'refs/heads/ahead', ahead);
const stateRoot = (): string => path.join(fleet.root, 'state');
const updateInput = () => ({ repository, base, inputs: 'all' as const, nix: PLAIN_NIX, run: 'r', ...STAMP });
const { draft, candidate, fix } = await commitsOfUpdate();
const forge = await withStandInForge(wholeFile, 'keeper/fleet', (branch) =>
  Promise.resolve(branch === 'main' ? base : candidate.head),
);
const ntfy = await withNtfyIfThere(wholeFile);
const pristine = await withFolder(wholeFile);
await cp(fleet.root, pristine, { recursive: true, preserveTimestamps: true });
await writeFile(path.join(pristine, 'forge-token'), forge.token, { mode: 0o600 });

/** The update as a draft, as a commit, and with a fix on top of that. */
async function commitsOfUpdate() {
  const env = activityEnvironment(fleet.root);
  const { coordinator } = createActivities(env);
  const lock = await new MockActivityEnvironment().run<[], LockUpdate, () => Promise<LockUpdate>>(() =>
    coordinator.updateLock(updateInput()),
  );
  assert.equal(lock.kind, 'updated');
  const update = await new MockActivityEnvironment().run<[], Candidate, () => Promise<Candidate>>(() =>
    coordinator.commitCandidate({ repository, draft: lock.draft, message: MESSAGE, ...STAMP }),
  );
  const change = { path: 'NOTES.md', content: 'fixed\n', message: 'fix(athena): a note\n', ...STAMP };
  const { head } = await commitFile(env, { repository, parent: update.head, ...change });
  const withFix = await candidateOf(mirrorPath(env, repository), base, head);
  await rm(stateRoot(), { recursive: true });
  return { draft: lock.draft, candidate: update, fix: withFix };
}

async function restore(): Promise<void> {
  await rm(fleet.root, { recursive: true, force: true });
  await cp(pristine, fleet.root, { recursive: true, preserveTimestamps: true });
}

async function attempt(name: string, input: object, dieAt: number): Promise<ActivityEnd | 'died'> {
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', DIE_AT: String(dieAt) };
  const args = [PROGRAM, stateRoot(), name, JSON.stringify(input)];
  const finished = await run(process.execPath, args, { env, timeoutMs: 120_000 });
  if (finished.signal === 'SIGKILL') return 'died';
  assert.equal(finished.exitCode, 0, finished.stderr);
  return JSON.parse(finished.stdout) as ActivityEnd;
}

/** All that an activity leaves that others see, and what nobody should see. */
async function world(look: () => Promise<unknown>): Promise<unknown> {
  await sweepWorkTrees(activityEnvironment(fleet.root));
  const files = await readdir(stateRoot(), { recursive: true }).catch(() => []);
  return {
    branches: await fleet.branches(),
    checkout: await git(fleet.checkout, 'status', '--porcelain', '--branch'),
    // Half files of the record-keeping are pruned when they are a day old.
    left: files.filter((file) => /\.lock$|\.partial-|\.scratch-|^work\/./.test(file)),
    more: await look(),
  };
}

interface Effect {
  readonly activity: string;
  /** Made when the fleet is there. */
  readonly input: () => object;
  /** What else the activity changes; it is given the number of this try. */
  readonly look?: () => Promise<unknown>;
}

/** A result without the time that it took. */
const untimed = (result: unknown): unknown =>
  JSON.parse(JSON.stringify(result, (key, value: unknown) => (key === 'seconds' ? undefined : value)));

const killedAt = (point: number): string => `killed at effect ${point}`;

async function assertRepeatable({ activity, input, look = () => Promise.resolve(null) }: Effect): Promise<void> {
  await restore();
  const undisturbed = await attempt(activity, input(), 0);
  assert.ok(undisturbed !== 'died');
  assert.ok(undisturbed.effects > 1, 'it changes something');
  const expected = await world(look);
  const every = Array.from({ length: undisturbed.effects }, (_, index) => index + 1);
  const points = FULL ? every : every.filter((point) => point % Math.ceil(every.length / FEW) === 0);
  let died = 0;
  for (const point of points) {
    await restore();
    // Commands that overlap come in another order at times, so that a late point may not be reached.
    if ((await attempt(activity, input(), point)) === 'died') died += 1;
    await sweepWorkTrees(activityEnvironment(fleet.root));
    const again = await attempt(activity, input(), 0);
    assert.ok(again !== 'died');
    assert.deepEqual(untimed(again.result), untimed(undisturbed.result), killedAt(point));
    assert.deepEqual(await world(look), expected, killedAt(point));
  }
  assert.ok(died >= points.length / 2, `it died at ${died} of ${points.length} points`);
}

describe('killed between any two of its lines and done again, an activity leaves what one attempt leaves:', () => {
  const commitInput = () => ({ repository, draft, message: MESSAGE, ...STAMP });
  const attemptInput = (): AttemptInput => ({
    run: 'r',
    repository,
    candidate,
    target: { kind: 'nixos', name: 'athena' },
    attempt: 1,
    agent: agentOptions(path.join(fleet.root, 'test-agent'), ['note', 'commit']),
    prompt: 'Fix athena.\n',
    message: 'fix(athena): work with the updated inputs\n',
    ...STAMP,
    takeoverSeconds: 60,
  });
  const gateInput = () => ({
    run: 'r',
    repository,
    candidate,
    gate: {
      kind: 'gate' as const,
      name: 'noted',
      check: { kind: 'command' as const, words: ['sh', '-c', 'echo noted; exit 3'] },
      timeoutSeconds: 60,
    },
    nix: PLAIN_NIX,
    takeoverSeconds: 60,
  });
  /** What an attempt or a gate leaves of its own: no work tree, no home. */
  const recordFolders = async () =>
    (await readdir(path.join(stateRoot(), 'builds'), { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort();
  const report = exampleReport();
  const forgeInput = () => ({
    forge: {
      kind: 'gitea' as const,
      url: forge.url,
      repository: forge.repository,
      tokenFile: path.join(pristine, 'forge-token'),
    },
  });
  const proposeInput = () => ({
    ...forgeInput(),
    repository,
    branch: 'bot/flake-update',
    commit: base,
    lock: base,
    ...{ labels: ['nix', 'bot'], assignees: ['ann', 'nobody'], reviewers: ['bob'], milestone: '26.11' },
    ...{ leftAlone: [], replaces: 1, report },
  });
  let earlier: readonly Record<string, unknown>[] = [];
  /** What the forge has now; the next try finds what this one found. */
  const forgeState = () => {
    const state = structuredClone(forge.state());
    forge.reset(earlier);
    return Promise.resolve(state);
  };
  const landInput = (mode: 'branch' | 'merge') => () => ({
    repository,
    candidate,
    mode,
    instance: 'update',
    branch: 'flake-update',
    fallbackBranch: 'flake-update-r',
  });
  /** The owner's repository has no remote, and main is checked out. */
  const landLocalInput = () => ({
    ...landInput('merge')(),
    repository: repositoryAt(fleet.checkout, { checkout: fleet.checkout, local: true }),
  });
  const notifyInput = (options: object, notifier: 'ntfy' | 'org', outcome: 'failed' | 'landed') => () => ({
    notifier,
    options: { ntfy: null, inboxOrg: null, ...options },
    event: 'finished' as const,
    report: { ...exampleReport(), outcome },
    at: '2026-11-21T09:31:30.000Z',
    timeZone: 'Europe/Paris',
  });

  test('a mirror is cloned and fetched', () =>
    assertRepeatable({ activity: 'resolveBase', input: () => ({ repository, run: 'r' }) }));
  test('a lock is updated in a work tree', () => assertRepeatable({ activity: 'updateLock', input: updateInput }));
  test('a commit is made, and its bundle', () => assertRepeatable({ activity: 'commitCandidate', input: commitInput }));
  test('a lock is composed of two', LIKE_A_COMMIT, () =>
    assertRepeatable({
      activity: 'composeCandidate',
      input: () => ({ repository, candidate, move: ['alpha'], run: 'r', ...STAMP }),
    }),
  );
  test('an update is carried over onto another main', LIKE_A_COMMIT, () =>
    assertRepeatable({
      activity: 'carryOver',
      input: () => ({
        repository,
        candidate,
        moved: ['alpha', 'beta'],
        onto: ahead,
        nix: PLAIN_NIX,
        run: 'r',
        ...STAMP,
      }),
    }),
  );
  test('a fix is put on top of another candidate', () =>
    assertRepeatable({ activity: 'applyFix', input: () => ({ repository, candidate: draft, fix, ...STAMP }) }));
  test('an agent makes an attempt, and its change is taken', () =>
    assertRepeatable({ activity: 'attemptFix', input: attemptInput, look: recordFolders }));
  test('a gate is run', () => assertRepeatable({ activity: 'runGate', input: gateInput, look: recordFolders }));
  test('a branch is pushed', () => assertRepeatable({ activity: 'land', input: landInput('branch') }));
  test('an old branch is removed', () =>
    assertRepeatable({
      activity: 'removeBranches',
      input: () => ({ repository, branches: [{ branch: 'ahead', commit: ahead }] }),
    }));
  test('an update is proposed, another request is told of it, and that of an older update is closed', () => {
    const request = (number: number, state: 'open' | 'closed', branch: string, body: string) => ({
      ...{ id: number, number, state, merged: false, title: 'x', body, html_url: `http://x/${number}` },
      ...{ head: { ref: branch, sha: base, repo_id: 1 }, base: { ref: 'main', repo_id: 1 } },
    });
    const run = `${scheduledRunId(report.instance, repository)}-20261120-010000`;
    const body = `${writeMark({ run, commit: base, lock: base, closedBy: null })}\n`;
    const older = 'bot/flake-update-20261120-010000';
    earlier = [request(1, 'closed', 'bot/flake-update', ''), request(2, 'open', older, body)];
    forge.reset(earlier);
    return assertRepeatable({
      activity: 'propose',
      input: () => ({
        ...proposeInput(),
        ...{ perRun: true, leftAlone: [{ branch: older, reason: 'has another update' }] },
      }),
      look: async () => {
        const state = await forgeState();
        assert.deepEqual(
          state.pulls.map((each) => each.state),
          ['closed', 'closed', 'open'],
        );
        return state;
      },
    });
  });
  test('commit statuses are set', () =>
    assertRepeatable({
      activity: 'setStatuses',
      input: () => ({ ...forgeInput(), commit: base, report }),
      look: forgeState,
    }));
  test('a pull request is merged', () => {
    const ends = {
      head: { ref: 'bot/flake-update', sha: candidate.head, repo_id: 1 },
      base: { ref: 'main', repo_id: 1 },
    };
    earlier = [
      { id: 1, number: 1, state: 'open', merged: false, title: 'x', body: '', html_url: 'http://x/1', ...ends },
    ];
    forge.reset(earlier);
    return assertRepeatable({
      activity: 'followRequest',
      input: () => ({
        ...{ ...forgeInput(), repository, number: 1, branch: 'bot/flake-update' },
        ...{ commit: candidate.head, candidate, merge: 'self' },
      }),
      look: forgeState,
    });
  });
  test('a pull request is closed', () => {
    const body = `${writeMark({ run: 'r', commit: base, lock: '', closedBy: null })}\n`;
    const ends = { head: { ref: 'bot/flake-update', sha: base, repo_id: 1 }, base: { ref: 'main', repo_id: 1 } };
    earlier = [{ id: 1, number: 1, state: 'open', merged: false, title: 'x', body, html_url: 'http://x/1', ...ends }];
    forge.reset(earlier);
    return assertRepeatable({
      activity: 'closeRequests',
      input: () => ({ ...forgeInput(), repository, branch: 'bot/flake-update', run: 'r' }),
      look: forgeState,
    });
  });
  test('what earlier runs have left to the forge is taken back, and nothing else', async (t) => {
    const [branch, instance] = ['bot/flake-update', 'nightly'];
    const parts = ['alpha', 'beta', 'gamma'].map((input) => `${branch}-${input}`);
    const heads = new Map([['main', base], ...parts.map((each) => [each, candidate.head] as const)]);
    const github = await withSmallGithub(t, 'keeper/fleet', () => Promise.resolve(heads));
    github.tokens.set(forge.token, { scopes: ['repo'] });
    const at = { ...forgeInput().forge, kind: 'github' as const, url: github.url };
    const { coordinator } = createActivities(activityEnvironment(fleet.root));
    for (const [index, part] of parts.entries()) {
      const input = {
        ...{
          repository,
          forge: at,
          branch: part,
          commit: candidate.head,
          lock: null,
          labels: [],
          leftAlone: [],
          report,
        },
        ...{ merge: 'forge' as const, part: { instance: index === 2 ? 'weekly' : instance, inputs: [part] } },
      };
      await new MockActivityEnvironment().run(() => coordinator.propose(input));
    }
    const numbers = [1, 2, 3];
    const leave = (): void => {
      for (const number of numbers) github.mergeLater(number, 'merge', 'keeper');
    };
    leave();
    const isLeft = async (number: number): Promise<boolean> => {
      const headers = { authorization: `Bearer ${forge.token}`, 'user-agent': 'test' };
      const answer = await fetch(`${github.url}/api/v3/repos/keeper/fleet/pulls/${number}`, { headers });
      return ((await answer.json()) as { readonly auto_merge: unknown }).auto_merge !== null;
    };
    await assertRepeatable({
      activity: 'findRequests',
      input: () => ({ repository, forge: at, branch, earlier: { instance, perInput: false } }),
      look: async () => {
        const left = await Promise.all(numbers.map(isLeft));
        assert.deepEqual(left, [false, false, true], 'that of another instance stays');
        leave();
        return structuredClone([github.pulls, github.comments]);
      },
    });
  });

  test('main is fast-forwarded at the remote', () => assertRepeatable({ activity: 'land', input: landInput('merge') }));
  test('main is fast-forwarded where it is checked out', () =>
    assertRepeatable({
      activity: 'land',
      input: landLocalInput,
      look: () => readFile(path.join(fleet.checkout, 'flake.lock'), 'utf8'),
    }));

  test('an org entry is written', () => {
    const inboxOrg = path.join(fleet.root, 'inbox.org');
    return assertRepeatable({
      activity: 'notify',
      input: notifyInput({ inboxOrg }, 'org', 'failed'),
      look: () => readFile(inboxOrg, 'utf8'),
    });
  });

  test('a message is published', { skip: ntfyMissing }, async () => {
    const tokenFile = path.join(pristine, 'token');
    await writeFile(tokenFile, ntfy.token, { mode: 0o600 });
    let topics = 0;
    await assertRepeatable({
      activity: 'notify',
      // Messages cannot be taken back, so each point has a topic of its own.
      input: () => notifyInput({ ntfy: { server: ntfy.url, topic: `topic${topics}`, tokenFile } }, 'ntfy', 'landed')(),
      look: async () => (await ntfy.messages(`topic${topics++}`)).length,
    });
  });

  test('a report is written, the site made, and what the run kept given back', () =>
    assertRepeatable({
      activity: 'closeRun',
      input: () => ({ report: exampleReport(), siteDir: path.join(stateRoot(), 'site') }),
      look: async () => [
        await readFile(path.join(stateRoot(), 'reports', `${exampleReport().run}.json`), 'utf8'),
        (await readdir(path.join(stateRoot(), 'site'), { recursive: true })).sort(),
      ],
    }));

  test('a derivation is rooted', () =>
    assertRepeatable({
      activity: 'evaluateTarget',
      input: () => ({
        repository,
        candidate,
        target: { kind: 'nixos', name: 'athena' },
        nix: PLAIN_NIX,
        run: 'r',
      }),
      look: async () => (await readdir(path.join(stateRoot(), 'evaluations', 'runs', 'r'))).sort(),
    }));
});
