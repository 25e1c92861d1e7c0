import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readMark } from '../../model/report/forge/request.js';
import type { Report } from '../../model/report/data.js';
import { withMovedFleet } from '../support/fleet.js';
import { commitFiles, git } from '../support/git.js';
import { giteaMissing, withGitea, type GiteaPull } from '../support/gitea.js';
import { until, withHouse, type House } from '../support/lockkeeper.js';
import { withServer } from '../support/runs.js';
import { withFolder } from '../support/scope.js';
import { nameOnForge, withStandInForge } from '../support/stand-in-forge.js';

const BRANCH = 'bot/flake-update';

test('updates are proposed in one pull request, and what people do to it counts', { skip: giteaMissing }, async (t) => {
  const [gitea, house] = await Promise.all([withGitea(t), withHouse(t)]);
  const fleet = await withMovedFleet(t, { hosts: [{ name: 'athena' }] }, ['alpha']);
  await gitea.api('POST', '/user/repos', { name: 'fleet' });
  await git(fleet.remote, 'push', '--quiet', gitea.gitUrl('fleet'), 'main');
  await git(fleet.checkout, 'remote', 'set-url', 'origin', `${gitea.url}/${gitea.owner}/fleet.git`);
  const tokenFile = join(house.root, 'forge-token');
  await writeFile(tokenFile, gitea.token, { mode: 0o600 });
  const repository = `/repos/${gitea.owner}/fleet`;
  const pulls = async (state = 'open') =>
    (await gitea.api<readonly GiteaPull[]>('GET', `${repository}/pulls?state=${state}`)).toSorted(
      (one, other) => one.number - other.number,
    );
  const comments = async (number: number): Promise<readonly string[]> =>
    (await gitea.api<readonly { readonly body: string }[]>('GET', `${repository}/issues/${number}/comments`)).map(
      ({ body }) => body,
    );
  const statuses = async (commit: string) =>
    (
      await gitea.api<readonly { readonly context: string; readonly status: string }[]>(
        'GET',
        `${repository}/statuses/${commit}`,
      )
    )
      .map(({ context, status }) => `${context} ${status}`)
      .sort();
  await house.dev();
  const update = async (exitStatus = 0): Promise<Report> => {
    const forge = [
      '--forge-kind',
      'gitea',
      '--https-token-file',
      tokenFile,
      '--label',
      'nix',
      '--label',
      'bot: update',
    ];
    const done = await house.update(fleet.checkout, '--land', 'pull-request', ...forge);
    assert.equal(done.exitCode, exitStatus, `${done.stdout}\n${done.stderr}`);
    return done.report;
  };

  const first = await update();
  const [opened, ...others] = await pulls();
  assert.ok(opened !== undefined);
  assert.deepEqual(others, []);
  assert.deepEqual(first.landed?.request, { number: opened.number, url: opened.html_url });
  assert.deepEqual([opened.head.ref, opened.head.sha], [BRANCH, first.head]);
  assert.equal(opened.title, 'chore(flake): update alpha');
  assert.deepEqual(opened.labels.map(({ name }) => name).sort(), ['bot: update', 'nix']);
  assert.match(opened.body, /`athena`[^\n]*built/);
  assert.equal(readMark(opened.body)?.commit, first.head);
  const expected = ['lockkeeper success', 'lockkeeper/athena success'];
  assert.deepEqual(await statuses(first.head ?? ''), expected);
  const { stdout: shown } = await house.lockkeeper(['report', 'latest']);
  assert.ok(shown.includes(opened.html_url) && shown.startsWith('✔ Proposed'), shown);

  await fleet.moveInput('beta');
  const refreshed = await update();
  const [same] = await pulls('all');
  assert.deepEqual([same?.number, same?.head.sha], [opened.number, refreshed.head]);
  assert.equal(same?.title, 'chore(flake): update alpha, beta');

  // Somebody works on the branch.
  const clone = join(await withFolder(t), 'clone');
  await git(fleet.root, 'clone', '--quiet', '--branch', BRANCH, gitea.gitUrl('fleet'), clone);
  const theirs = await commitFiles(clone, { 'NOTES.md': 'needed\n' }, 'Needed by beta');
  await git(clone, 'push', '--quiet', 'origin', BRANCH);
  const again = await update();
  assert.deepEqual([again.landed?.already, again.landed?.request?.number], [true, opened.number], 'it is still there');
  assert.equal((await pulls('all')).length, 1, 'no second one');
  assert.deepEqual(await statuses(refreshed.head ?? ''), expected, 'nor a second status');
  await fleet.moveInput('beta');
  const beside = await update();
  const [kept, second] = await pulls();
  assert.deepEqual([kept?.number, kept?.head.sha], [opened.number, theirs], 'nobody’s commit is lost');
  assert.deepEqual([second?.number, second?.head.sha], [beside.landed?.request?.number, beside.head]);
  assert.match(second?.head.ref ?? '', /^bot\/flake-update-\d{8}-\d{6}$/);
  assert.match(second?.body ?? '', new RegExp(`#${opened.number} stays as it is: its branch holds commit`));
  const [said, ...more] = await comments(opened.number);
  assert.match(said ?? '', new RegExp(`proposes its update in #${second?.number ?? 0}`));
  assert.deepEqual(more, []);

  // Somebody says no.
  await gitea.api('PATCH', `${repository}/pulls/${second?.number ?? 0}`, { state: 'closed' });
  const declined = await update(4);
  assert.deepEqual([declined.outcome, declined.declined?.number], ['rejected', second?.number]);
  assert.equal((await pulls('all')).length, 2);
  await fleet.moveInput('alpha');
  const third = await update();
  const open = await pulls();
  assert.deepEqual(
    open.map(({ number }) => number),
    [opened.number, third.landed?.request?.number],
  );
  assert.notEqual(open[1]?.head.ref, second?.head.ref, 'on a new branch');

  // Somebody updates main by hand.
  await git(fleet.remote, 'fetch', '--quiet', gitea.gitUrl('fleet'), '+main:main');
  await fleet.pushUpdate(['alpha', 'beta']);
  await git(fleet.remote, 'push', '--quiet', gitea.gitUrl('fleet'), 'main');
  const upToDate = await update(2);
  assert.deepEqual(
    upToDate.closedRequests.map(({ number }) => number),
    [third.landed?.request?.number],
  );
  assert.deepEqual(
    (await pulls()).map(({ number }) => number),
    [opened.number],
    'but not the one with somebody’s commit',
  );
  assert.match((await comments(third.landed?.request?.number ?? 0)).join('\n'), /Nothing is left to update/);

  for (const entry of await readdir(house.state.root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    assert.equal((await readFile(file)).includes(gitea.token), false, `${file} holds the token, as histories might`);
  }

  // The token may not open requests: that is known before anything is built.
  await fleet.moveInput('beta');
  await writeFile(tokenFile, await gitea.addToken('read:repository,write:issue'));
  const failed = await update(1);
  assert.match(failed.error ?? '', /does not let the token in .*forge-token do this \(HTTP 403: .*write:repository/);
  assert.deepEqual(failed.targets, []);
  await writeFile(tokenFile, 'no-token-at-all');
  const doctor = async (): Promise<string> => {
    const forge = ['--forge-kind', 'gitea', '--forge-token-file', tokenFile];
    const { stdout } = await house.lockkeeper(['doctor', fleet.checkout, ...forge]);
    return /^.*forge token.*$/m.exec(stdout)?.[0] ?? stdout;
  };
  assert.match(await doctor(), /✘ fail.*does not accept it \(HTTP 401\)/);
  await writeFile(tokenFile, gitea.token);
  assert.match(await doctor(), /✔ ok.*accepts it for keeper\/fleet; its account may push/);
});

test('an update that changes no closure opens no request, also where a person has opened one; a forge that is down keeps the run waiting, which shows it', async (t) => {
  const house = await withHouse(t);
  const fleet = await withMovedFleet(t, { hosts: [{ name: 'athena' }] }, ['alpha']);
  const repository = nameOnForge(fleet.remote);
  const forge = await withStandInForge(t, repository);
  const tokenFile = join(house.root, 'forge-token');
  await writeFile(tokenFile, forge.token, { mode: 0o600 });
  const where = ['--forge-kind', 'gitea', '--forge-url', forge.url, '--forge-token-file', tokenFile];

  // Somebody has opened a request of their own from the branch.
  await git(fleet.remote, 'branch', BRANCH, 'main');
  const ends = { head: { ref: BRANCH, sha: 'a'.repeat(40), repo_id: 1 }, base: { ref: 'main', repo_id: 1 } };
  const theirs = { id: 1, number: 1, state: 'open', merged: false, title: 'By hand', body: 'x', html_url: 'http://x' };
  forge.reset([{ ...theirs, ...ends }]);

  // No host uses the other input.
  await fleet.moveInput('beta');
  const unneeded = ['--land', 'pull-request', '--input', 'beta', ...where];
  const { report: kept } = await house.update(fleet.checkout, ...unneeded);
  assert.deepEqual([kept.outcome, kept.landed?.mode, kept.landed?.unchanged], ['verified', 'none', true]);
  assert.deepEqual([forge.state().pulls.length, Object.keys(await fleet.branches())], [1, [BRANCH, 'main']]);
  const { report: asked } = await house.update(fleet.checkout, ...unneeded, '--open-without-change');
  assert.equal(asked.landed?.request?.number, 2);
  assert.match(asked.landed.ref, new RegExp(`^${BRANCH}-\\d{8}-\\d{6}$`));
  const { pulls, comments } = forge.state();
  assert.deepEqual([pulls[0]?.title, pulls[0]?.body], ['By hand', 'x'], 'theirs stays as it is');
  assert.match(
    String(pulls[1]?.body),
    /\n#1 stays as it is: its branch is of a pull request that Lockkeeper did not open\./,
  );
  assert.match(comments.map(({ body }) => String(body)).join(), /proposes its update in #2/);

  let isDown = true;
  let asks = 0;
  forge.disturb(({ method = '', url = '' }, response) => {
    if (!isDown || method !== 'GET' || !url.includes('state=closed')) return false;
    // The first time is before the work, where nobody waits long for the answer.
    asks += 1;
    if (asks === 1) return false;
    response.writeHead(503).end('<html>Back soon</html>');
    return true;
  });
  const running = house.start(['update', fleet.checkout, '--land', 'pull-request', '--json', ...where]);
  await until(
    () => running.output().includes(`Gitea at ${forge.url} has an error (HTTP 503) (tried again: attempt`),
    300_000,
    () => running.output(),
  );
  assert.ok((await patience(house)) > 86_400, 'a forge that is down for an hour fails no run that has built');
  isDown = false;
  const report = await running.report();
  assert.deepEqual(
    forge.state().pulls.map(({ number, title }) => [number, title]),
    [
      [1, 'By hand'],
      [report.landed?.request?.number, 'chore(flake): update alpha, beta'],
    ],
  );
});

/** How many seconds the open run of a house goes on asking a forge that does not answer. */
async function patience(house: House): Promise<number> {
  let seconds = 0;
  const look = (): Promise<boolean> =>
    withServer(house, async (client) => {
      const query = 'WorkflowType = "updateFlake" AND ExecutionStatus = "Running"';
      for await (const { workflowId } of client.workflow.list({ query })) {
        const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
        const scheduled = (events ?? []).map((event) => event.activityTaskScheduledEventAttributes);
        const { retryPolicy, scheduleToCloseTimeout } =
          scheduled.findLast((activity) => activity?.activityType?.name === 'findRequests') ?? {};
        const { maximumAttempts = 0, initialInterval, maximumInterval, backoffCoefficient = 0 } = retryPolicy ?? {};
        assert.equal(Number(scheduleToCloseTimeout?.seconds ?? 0), 0, 'no end in time');
        for (let tried = 0; tried < (maximumAttempts ?? 0) - 1; tried += 1)
          seconds += Math.min(
            Number(initialInterval?.seconds) * (backoffCoefficient ?? 0) ** tried,
            Number(maximumInterval?.seconds),
          );
      }
      return seconds > 0;
    });
  await until(look, 60_000, () => 'no run asks a forge');
  return seconds;
}
