import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { RunProgress } from '../../model/progress/progress.js';
import { withMovedFleet } from '../support/fleet.js';
import { forgeRemote } from '../support/forge-remote.js';
import { added } from '../support/forge-server.js';
import { git } from '../support/git.js';
import { nameOnForge } from '../support/stand-in-forge.js';
import { until, type Running } from '../support/lockkeeper.js';
import { runInPhase, withServedHouse } from '../support/runs.js';
import { withSmallGithub } from '../support/small-github.js';
import { withSmallGitlab } from '../support/small-gitlab.js';

test('GitHub and GitLab: what was verified is merged by Lockkeeper, by the forge, and once it is approved', async (t) => {
  const { house, client } = await withServedHouse(t);
  const fleet = await withMovedFleet(t, { hosts: [{ name: 'athena' }] }, ['alpha']);
  const { heads, mergeInto } = forgeRemote(fleet.remote);
  const repository = nameOnForge(fleet.remote);
  const main = async (): Promise<string> => (await heads()).get('main') ?? '';
  const on = async (kind: string, url: string, token: string) => {
    const file = path.join(house.root, `${kind}-token`);
    await writeFile(file, token, { mode: 0o600 });
    const where = ['--forge-kind', kind, '--forge-url', url, '--forge-token-file', file, '--json'];
    return (...args: readonly string[]): Running =>
      house.start(['update', fleet.checkout, '--land', 'pull-request', ...where, ...args]);
  };
  const known: string[] = [];
  const waiting = async (running: Running, phase: 'landing' | 'waiting-for-approval', words: string): Promise<void> => {
    const { run } = await runInPhase(client, phase, running, known);
    known.push(run);
    const says = async (): Promise<boolean> =>
      (await client.workflow.getHandle(run).query<RunProgress>('progress')).waitsFor?.includes(words) === true;
    await until(says, 60_000, running.output);
  };

  const github = await withSmallGithub(t, repository, heads, mergeInto);
  const onGithub = await on('github', github.url, 'ghp_swordfish');
  const refused = await onGithub('--merge', 'forge').report(1);
  assert.match(refused.error ?? '', /may not merge by itself .*branch main does not require the status "lockkeeper"/);
  github.required.byRules = ['lockkeeper', 'ci/test'];

  // Lockkeeper moves main to the very commit, and the channels with it.
  const self = onGithub('--merge', 'self', '--merge-method', 'fast-forward', '--channel', 'tested-{host}');
  await waiting(self, 'landing', 'status ci/test, which nobody has set');
  const { sha: head } = github.pulls[0]?.head as { readonly sha: string };
  const isGreen = { name: 'ci/test', status: 'completed', conclusion: 'success' };
  added(github.checkRuns, { head_sha: head, ...isGreen });
  const forwarded = await self.report();
  assert.deepEqual([forwarded.landed?.merged?.commit, await main(), forwarded.head], [head, head, head]);
  assert.equal((await heads()).get('tested-athena'), head);

  // A person squashes the next one: nobody has verified that commit of main, so no host follows it yet.
  await fleet.moveInput('alpha');
  const overtaken = onGithub('--merge', 'self', '--merge-method', 'fast-forward', '--channel', 'tested-{host}');
  await waiting(overtaken, 'landing', 'status ci/test, which nobody has set');
  github.required.byRules = [];
  const merged = await fetch(`${github.url}/api/v3/repos/${repository}/pulls/2/merge`, {
    method: 'PUT',
    headers: { authorization: 'Bearer ghp_swordfish', 'content-type': 'application/json' },
    body: JSON.stringify({ merge_method: 'squash', sha: (github.pulls[1]?.head as { readonly sha: string }).sha }),
  });
  assert.equal(merged.status, 200, await merged.text());
  github.required.byRules = ['lockkeeper', 'ci/test'];
  const { landed, channels } = await overtaken.report();
  assert.equal(landed?.merged?.commit, await main());
  assert.notEqual(landed.merged.commit, landed.commit);
  assert.deepEqual(
    channels.map(({ branch, outcome, reason }) => [branch, outcome, reason]),
    [
      [
        'tested-athena',
        'not-moved',
        'that commit of main is another one than was verified: "lockkeeper verify" moves it there',
      ],
    ],
  );
  assert.equal((await heads()).get('tested-athena'), head);

  // The forge merges by its auto-merge, as another commit.
  await fleet.moveInput('alpha');
  const byForge = onGithub('--merge', 'forge', '--merge-method', 'squash');
  await waiting(byForge, 'landing', 'the forge to merge it');
  const { sha: second } = github.pulls[2]?.head as { readonly sha: string };
  added(github.checkRuns, { head_sha: second, ...isGreen });
  await github.settle();
  const squashed = await byForge.report();
  assert.deepEqual(squashed.landed?.merged, { by: 'keeper', commit: await main(), asVerified: true });
  assert.notEqual(await main(), second);
  assert.equal(
    await git(fleet.remote, 'rev-parse', `main^{tree}`),
    await git(fleet.remote, 'rev-parse', `${second}^{tree}`),
  );

  // A question is answered by a comment on GitLab; the answer to an earlier one is none.
  await fleet.moveInput('alpha');
  const gitlab = await withSmallGitlab(t, repository, heads, '', mergeInto);
  added(gitlab.members, { username: 'ann', access_level: 30, state: 'active' });
  const onGitlab = await on('gitlab', gitlab.url, 'glpat-swordfish');
  const ask = async (): Promise<Running> => {
    const asking = onGitlab('--approve', '--merge', 'self');
    await waiting(asking, 'waiting-for-approval', 'or merge or close pull request #');
    return asking;
  };
  const rejected = await ask();
  const third = String(gitlab.requests[0]?.sha);
  assert.equal((await house.lockkeeper(['reject', known.at(-1) ?? '', '--yes'])).exitCode, 0);
  assert.equal((await rejected.report(4)).outcome, 'rejected');
  const approval = `\`/approve ${third}\` looks fine`;
  await gitlab.comment(1, 'ann', approval);
  const asking = await ask();
  assert.deepEqual([gitlab.requests.length, gitlab.requests[0]?.sha], [1, third], 'the same commit');
  const looks = () => gitlab.talk.filter(({ asked }) => asked.path.endsWith('/notes') && asked.method === 'GET').length;
  const before = looks();
  await until(() => Promise.resolve(looks() > before), 60_000, asking.output);
  assert.equal(
    (await client.workflow.getHandle(known.at(-1) ?? '').query<RunProgress>('progress')).phase,
    'waiting-for-approval',
  );
  await gitlab.comment(1, 'ann', approval);
  const approved = await asking.report();
  assert.deepEqual([approved.approval?.by, approved.approval?.comment], ['ann', 'looks fine']);
  assert.deepEqual(approved.landed?.merged, { by: 'keeper', commit: await main(), asVerified: true });
  assert.equal(await git(fleet.remote, 'rev-parse', 'main^2'), third, 'a merge of what was verified');
});
