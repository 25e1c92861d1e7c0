import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RunProgress } from '../../model/progress/progress.js';
import { withMovedFleet } from '../support/fleet.js';
import { commitFiles, git } from '../support/git.js';
import { giteaMissing, withGitea, type GiteaPull } from '../support/gitea.js';
import { until, type Running } from '../support/lockkeeper.js';
import { runInPhase, withServedHouse } from '../support/runs.js';
import { withFolder } from '../support/scope.js';

const BRANCH = 'bot/flake-update';

test(
  'a request is merged as it was verified, by whom the owner wants, and answers a run that asks',
  { skip: giteaMissing },
  async (t) => {
    const [gitea, { house, client }] = await Promise.all([withGitea(t), withServedHouse(t)]);
    const fleet = await withMovedFleet(t, { hosts: [{ name: 'athena' }] }, ['alpha']);
    await gitea.api('POST', '/user/repos', { name: 'fleet' });
    const address = gitea.gitUrl('fleet');
    await git(fleet.remote, 'push', '--quiet', address, 'main');
    await git(fleet.checkout, 'remote', 'set-url', 'origin', `${gitea.url}/${gitea.owner}/fleet.git`);
    const tokenFile = join(house.root, 'forge-token');
    await writeFile(tokenFile, gitea.token, { mode: 0o600 });
    const repository = `/repos/${gitea.owner}/fleet`;
    const api = <T = unknown>(method: string, path: string, body?: object): Promise<T> =>
      gitea.api<T>(method, `${repository}${path}`, body);
    for (const username of ['ann', 'eve'])
      await gitea.api('POST', '/admin/users', {
        ...{ username, email: `${username}@example.org`, password: 'correct horse battery' },
        must_change_password: false,
      });
    await api('PUT', '/collaborators/ann', { permission: 'write' });
    const open = async (): Promise<GiteaPull> => {
      const [pull, ...others] = await api<readonly GiteaPull[]>('GET', '/pulls?state=open');
      assert.ok(pull !== undefined && others.length === 0);
      return pull;
    };
    const main = async (): Promise<string> =>
      (await git(fleet.root, 'ls-remote', address, 'refs/heads/main')).split('\t')[0] ?? '';
    const clone = join(await withFolder(t), 'clone');
    await git(fleet.root, 'clone', '--quiet', address, clone);
    const treeOf = async (commit: string): Promise<string> => {
      await git(clone, 'fetch', '--quiet', 'origin');
      return await git(clone, 'rev-parse', `${commit}^{tree}`);
    };
    const green = (commit: string, context: string) =>
      api('POST', `/statuses/${commit}`, { state: 'success', context, description: 'fine' });
    const base = ['update', fleet.checkout, '--land', 'pull-request', '--forge-kind', 'gitea', '--json'];
    const start = (...args: string[]): Running => house.start([...base, '--https-token-file', tokenFile, ...args]);
    const waitsFor = (run: string, words: string, running: Running): Promise<unknown> =>
      until(
        async () => {
          const { waitsFor: shown } = await client.workflow.getHandle(run).query<RunProgress>('progress');
          return shown?.includes(words) === true;
        },
        60_000,
        running.output,
      );
    const known: string[] = [];
    const waiting = async (running: Running, phase: 'landing' | 'waiting-for-approval', words: string) => {
      const { run } = await runInPhase(client, phase, running, known);
      known.push(run);
      await waitsFor(run, words, running);
    };

    // What nothing protects is not left to the forge.
    const refused = await start('--merge', 'forge').report(1);
    assert.match(refused.error ?? '', /branch main does not require the status "lockkeeper"/);
    assert.deepEqual(refused.targets, [], 'it is known before anything is built');

    const protection = { rule_name: 'main', enable_push: true, enable_status_check: true };
    await api('POST', '/branch_protections', { ...protection, status_check_contexts: ['lockkeeper*', 'ci/test'] });

    // Lockkeeper merges once the check of others is there; main moves before.
    const self = start('--merge', 'self', '--merge-method', 'squash');
    await waiting(self, 'landing', 'status ci/test, which nobody has set');
    const first = await open();
    await commitFiles(clone, { 'NOTES.md': 'new\n' }, 'A change of a colleague');
    await git(clone, 'push', '--quiet', 'origin', 'HEAD:main');
    await until(async () => (await open()).head.sha !== first.head.sha, 90_000, self.output);
    const carried = await open();
    assert.equal(carried.number, first.number);
    await green(carried.head.sha, 'ci/test');
    const squashed = await self.report();
    assert.deepEqual([squashed.landed?.commit, squashed.landed?.merged?.by], [carried.head.sha, gitea.owner]);
    assert.equal(squashed.landed?.merged?.asVerified, true);
    assert.equal(await main(), squashed.landed.merged.commit);
    assert.notEqual(await main(), carried.head.sha, 'another commit');
    assert.equal(await treeOf('origin/main'), await treeOf(carried.head.sha), 'with the same files');
    const message = await git(clone, 'log', '-1', '--format=%B', 'origin/main');
    assert.equal(
      message.trim(),
      `chore(flake): update alpha (#${first.number})\n\nVerified by Lockkeeper as ${carried.head.sha}.`,
    );
    const { stdout: shown } = await house.lockkeeper(['report', squashed.run]);
    assert.match(
      shown,
      /^✔ Merged .*\n[^]*merged by keeper as commit \w+, which has exactly the files that were verified/,
    );

    // The forge merges, and not what somebody pushes.
    await fleet.moveInput('alpha');
    const byForge = start('--merge', 'forge', '--merge-method', 'merge');
    await waiting(byForge, 'landing', 'the forge to merge it');
    const second = await open();
    await git(clone, 'fetch', '--quiet', 'origin');
    await git(clone, 'switch', '--quiet', '--detach', `origin/${BRANCH}`);
    const theirs = await commitFiles(clone, { 'NOTES.md': 'more\n' }, 'Theirs');
    await git(clone, 'push', '--quiet', 'origin', `HEAD:${BRANCH}`);
    const overtaken = await byForge.report();
    assert.match(overtaken.landed?.notMerged ?? '', new RegExp(`pushed commit ${theirs.slice(0, 12)} onto its branch`));
    for (const context of ['ci/test', 'lockkeeper']) await green(theirs, context);
    await assert.rejects(api('DELETE', `/pulls/${second.number}/merge`), /404/, 'it was taken back');
    assert.equal((await open()).merged, false);
    await api('PATCH', `/pulls/${second.number}`, { state: 'closed' });

    // A run that asks is answered by a comment of one who may push, and merges.
    await fleet.moveInput('alpha');
    const asking = start('--approve', '--merge', 'self');
    await waiting(asking, 'waiting-for-approval', 'or merge or close pull request #');
    const third = await open();
    assert.match(third.body, new RegExp(`or the comment \`/approve ${third.head.sha}\``));
    const says = (account: string) =>
      api('POST', `/issues/${third.number}/comments?sudo=${account}`, {
        body: `/approve ${third.head.sha} looks fine`,
      });
    await says('eve');
    await waitsFor(known.at(-1) ?? '', 'eve is not known to be allowed', asking);
    await green(third.head.sha, 'ci/test');
    await says('ann');
    const approved = await asking.report();
    assert.deepEqual(
      [approved.approval?.by, approved.approval?.comment, approved.approval?.commit],
      ['ann', 'looks fine', third.head.sha],
    );
    assert.deepEqual(
      [approved.landed?.merged?.commit, await main()],
      [third.head.sha, third.head.sha],
      'that very commit',
    );

    // Merging and closing are answers where nobody else merges.
    await fleet.moveInput('alpha');
    const merging = start('--approve');
    await waiting(merging, 'waiting-for-approval', 'or merge or close');
    const fourth = await open();
    await green(fourth.head.sha, 'ci/test');
    // Gitea looks for conflicts first.
    await until(
      () =>
        api('POST', `/pulls/${fourth.number}/merge?sudo=ann`, { do: 'merge' }).then(
          () => true,
          () => false,
        ),
      60_000,
      merging.output,
    );
    const taken = await merging.report();
    assert.deepEqual(
      [taken.approval?.decision, taken.approval?.by, taken.landed?.merged?.by, taken.landed?.merged?.asVerified],
      ['approved', 'ann', 'ann', true],
    );
    await fleet.moveInput('alpha');
    const closing = start('--approve');
    await waiting(closing, 'waiting-for-approval', 'or merge or close');
    await api('PATCH', `/pulls/${(await open()).number}?sudo=ann`, { state: 'closed' });
    const no = await closing.report(4);
    assert.deepEqual([no.outcome, no.approval?.by], ['rejected', 'ann']);
  },
);
