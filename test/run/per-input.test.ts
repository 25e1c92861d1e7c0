import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseFlakeLock } from '../../model/flake-lock/parse.js';
import { nodeOfInput } from '../../model/flake-lock/walk.js';
import { textAttribute } from '../../model/flake-lock/types.js';
import { withMovedFleet } from '../support/fleet.js';
import { git } from '../support/git.js';
import { giteaMissing, withGitea, type GiteaPull } from '../support/gitea.js';
import { withHouse } from '../support/lockkeeper.js';

/** Of a run's report, as programs read it. */
interface Part {
  readonly run: string;
  readonly inputs: readonly string[];
  readonly outcome: string;
  readonly landed: { readonly request?: { readonly number: number; readonly url: string } } | null;
}

const BRANCH = 'bot/flake-update';

test(
  'each input has a request of its own, and what breaks or becomes of one stops none of the others',
  { skip: giteaMissing },
  async (t) => {
    const [gitea, house] = await Promise.all([withGitea(t), withHouse(t)]);
    const hosts = [
      { name: 'athena', input: 'all' },
      { name: 'kyushu', brokenBy: [['gamma']] },
    ];
    const fleet = await withMovedFleet(t, { hosts, inputs: ['alpha', 'beta', 'delta', 'gamma'] });
    await gitea.api('POST', '/user/repos', { name: 'fleet' });
    await git(fleet.remote, 'push', '--quiet', gitea.gitUrl('fleet'), 'main');
    await git(fleet.checkout, 'remote', 'set-url', 'origin', `${gitea.url}/${gitea.owner}/fleet.git`);
    const tokenFile = join(house.root, 'forge-token');
    await writeFile(tokenFile, gitea.token, { mode: 0o600 });
    const repository = `/repos/${gitea.owner}/fleet`;
    const pulls = async (): Promise<readonly GiteaPull[]> =>
      (await gitea.api<readonly GiteaPull[]>('GET', `${repository}/pulls?state=all`)).toSorted(
        (one, other) => one.number - other.number,
      );
    const pullOf = async (input: string): Promise<GiteaPull> => {
      const own = (await pulls()).filter(({ head }) => head.ref.startsWith(`${BRANCH}-${input}`));
      assert.equal(own.length, 1, `requests of ${input}`);
      return own[0] ?? assert.fail();
    };
    const commentsOn = async ({ number }: GiteaPull): Promise<string> =>
      (await gitea.api<readonly { readonly body: string }[]>('GET', `${repository}/issues/${number}/comments`))
        .map(({ body }) => body)
        .join('\n');
    /** Inputs that a commit has at another revision than main. */
    const movedBy = async ({ head }: GiteaPull): Promise<readonly string[]> => {
      await git(fleet.remote, 'fetch', '--quiet', '--force', gitea.gitUrl('fleet'), '+refs/heads/*:refs/heads/*');
      const lockAt = async (at: string) => parseFlakeLock(await fleet.show(at, 'flake.lock'));
      const [main, other] = [await lockAt('main'), await lockAt(head.sha)];
      const revision = (lock: typeof main, name: string) =>
        textAttribute(nodeOfInput(lock, [name])?.locked ?? null, 'rev');
      return Object.keys(fleet.inputs).filter((name) => revision(main, name) !== revision(other, name));
    };
    await house.dev();
    const forge = ['--land', 'pull-request', '--forge-kind', 'gitea', '--https-token-file', tokenFile];
    const update = async (exitStatus = 0) => {
      const done = await house.update(fleet.checkout, ...forge, '--per-input');
      assert.equal(done.exitCode, exitStatus, `${done.stdout}\n${done.stderr}`);
      const { parts } = done.report as unknown as { readonly parts: readonly Part[] };
      return { ...done.report, outcomes: parts.map(({ inputs, outcome }) => `${inputs.join()} ${outcome}`), parts };
    };

    const first = await update();
    assert.deepEqual(first.outcomes, ['alpha landed', 'beta landed', 'delta landed', 'gamma unchanged']);
    assert.deepEqual(
      first.heldBack.map(({ input, targets }) => [input, targets]),
      [['gamma', ['kyushu']]],
    );
    const opened = await pulls();
    assert.deepEqual(
      opened.map(({ title, head }) => `${title} ${head.ref}`).sort(),
      ['alpha', 'beta', 'delta'].map((input) => `chore(flake): update ${input} ${BRANCH}-${input}`),
    );
    for (const input of ['alpha', 'beta', 'delta']) assert.deepEqual(await movedBy(await pullOf(input)), [input]);
    const statuses = await gitea.api<readonly { readonly context: string; readonly status: string }[]>(
      'GET',
      `${repository}/statuses/${(await pullOf('beta')).head.sha}`,
    );
    assert.deepEqual(statuses.map(({ context, status }) => `${context} ${status}`).sort(), [
      'lockkeeper success',
      'lockkeeper/athena success',
      'lockkeeper/kyushu success',
    ]);
    const { stdout: shown } = await house.lockkeeper(['report', 'latest']);
    assert.match(shown, /^✔ Proposed 3 of 4 updates /);
    for (const { html_url } of opened) assert.ok(shown.includes(html_url), shown);
    const [part] = first.parts;
    const { stdout: own } = await house.lockkeeper(['report', part?.run ?? '']);
    assert.match(own, /^✔ Proposed [^]*✔ athena +x86_64-linux +built/);
    const { stdout: listed } = await house.lockkeeper(['list', '--json']);
    assert.deepEqual(
      (JSON.parse(listed) as readonly { readonly run: string }[]).map(({ run }) => run),
      [first.run],
    );

    // Only one of them moves on.
    await fleet.moveInput('alpha');
    await update();
    const others = (all: readonly GiteaPull[]) =>
      all.filter(({ head }) => head.ref !== `${BRANCH}-alpha`).map(({ number, head }) => [number, head.sha]);
    assert.deepEqual(others(await pulls()), others(opened));
    const refreshed = await pullOf('alpha');
    assert.notEqual(refreshed.head.sha, opened.find(({ number }) => number === refreshed.number)?.head.sha);

    // One is merged, which moves main for the others, and one is closed.
    const [merged, closed] = [await pullOf('beta'), await pullOf('delta')];
    await gitea.api('POST', `${repository}/pulls/${merged.number}/merge`, { do: 'merge' });
    await gitea.api('PATCH', `${repository}/pulls/${closed.number}`, { state: 'closed' });
    const third = await update();
    assert.deepEqual(third.outcomes, ['alpha landed', 'delta rejected', 'gamma unchanged']);
    const rebased = await pullOf('alpha');
    assert.notEqual(rebased.head.sha, refreshed.head.sha);
    assert.deepEqual(await movedBy(rebased), ['alpha']);
    assert.match(await commentsOn(rebased), /has verified the same update on it/);
    assert.equal((await pulls()).length, 3, 'what was closed is not proposed again, on whatever main');

    // Somebody moves the last one by hand.
    await fleet.pushUpdate(['alpha']);
    await git(fleet.remote, 'push', '--quiet', gitea.gitUrl('fleet'), 'main');
    const last = await update(4);
    assert.deepEqual(last.outcomes, ['delta rejected', 'gamma unchanged']);
    assert.deepEqual(
      last.closedRequests.map(({ number }) => number),
      [rebased.number],
    );
    assert.match(await commentsOn(rebased), /Nothing is left to update: alpha of main is at its newest revision/);

    // A dry run verifies the same updates, and asks no forge.
    const dry = await house.update(fleet.checkout, '--per-input', '--dry-run');
    assert.equal(dry.exitCode, 0, `${dry.stdout}\n${dry.stderr}`);
    const { parts: verified } = dry.report as unknown as { readonly parts: readonly Part[] };
    assert.deepEqual(
      verified.map(({ inputs, outcome }) => `${inputs.join()} ${outcome}`),
      ['delta verified', 'gamma unchanged'],
    );
  },
);
