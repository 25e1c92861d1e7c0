import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Client } from '@temporalio/client';
import type { ShownWatch } from '../../model/watch/watch.js';
import { withFleet } from '../support/fleet.js';
import { git } from '../support/git.js';
import { giteaMissing, withGitea } from '../support/gitea.js';
import { until, withHouse, type Running } from '../support/lockkeeper.js';
import { connectTo, runInPhase } from '../support/runs.js';
import { kill } from '../support/stage.js';
import { atEndOf } from '../support/scope.js';

const SECRET = 'between-the-forge-and-us';
const WATCHER = 'lockkeeper-watch-main';

test(
  'webhooks of a real Gitea have main verified and answers seen at once, whoever was killed before',
  { skip: giteaMissing },
  async (t) => {
    const [gitea, house] = await Promise.all([withGitea(t), withHouse(t)]);
    const fleet = await withFleet(t, { hosts: [{ name: 'athena', seconds: 5 }, { name: 'delos' }] });
    await gitea.api('POST', '/user/repos', { name: 'fleet' });
    const at = `/repos/${gitea.owner}/fleet`;
    const remote = gitea.gitUrl('fleet');
    const publish = () => git(fleet.remote, 'push', '--quiet', remote, 'main');
    await publish();
    const [tokenFile, secretFile, file] = ['token', 'secret', 'lockkeeper.toml'].map((name) =>
      join(house.root, name),
    ) as [string, string, string];
    await writeFile(tokenFile, gitea.token, { mode: 0o600 });
    await writeFile(secretFile, SECRET, { mode: 0o600 });
    await writeFile(
      file,
      `[instances.main]\nrepoUrl = "${gitea.url}/${gitea.owner}/fleet.git"\nhttpsTokenFile = "${tokenFile}"\nmode = "verify"\nstatuses = true\nforge.kind = "gitea"\n` +
        `poll = "1d"\nchannel = "tested-{host}"\ncaches = [{ to = "file://${join(house.root, 'cache')}", required = true }]\n`,
    );
    const branch = async (name: string): Promise<string> =>
      (await git(fleet.remote, 'ls-remote', remote, `refs/heads/${name}`)).split('\t')[0] ?? '';
    const untilTested = (commit: string): Promise<void> =>
      until(
        async () => (await branch('tested-athena')) === commit,
        120_000,
        () => `tested-athena is not at ${commit}`,
      );
    const untilVerified = (commit: string): Promise<void> =>
      until(
        async () => (await house.json<ShownWatch>(['status', WATCHER])).verified === commit,
        60_000,
        () => 'not verified',
      );
    const listen = async (port: number): Promise<{ readonly running: Running; readonly url: string }> => {
      const running = house.start(['hooks', '--port', String(port), '--secret-file', secretFile]);
      await until(
        () => running.output().includes('Listening'),
        30_000,
        () => running.output(),
      );
      return { running, url: /http:\S+/.exec(running.output())?.[0] ?? '' };
    };
    const signalled = async (client: Client, workflow: string): Promise<number> => {
      const { events } = await client.workflow.getHandle(workflow).fetchHistory();
      return (events ?? []).filter((event) => event.workflowExecutionSignaledEventAttributes?.signalName === 'lookNow')
        .length;
    };

    await house.dev();
    let client = await connectTo(house);
    atEndOf(t, () => client.connection.close());
    assert.equal((await house.lockkeeper(['apply', '--config', file])).exitCode, 0);
    const { main = '' } = await fleet.branches();
    await untilTested(main);
    await untilVerified(main);

    const first = await listen(0);
    const hook = await gitea.api<{ readonly id: number }>('POST', `${at}/hooks`, {
      ...{ type: 'gitea', active: true, events: ['push', 'pull_request', 'issue_comment'] },
      config: { url: first.url, content_type: 'json', secret: SECRET },
    });
    await fleet.moveInput('alpha');
    const second = await fleet.pushUpdate(['alpha']);
    const begin = Date.now();
    await publish();
    await untilTested(second);
    t.diagnostic(
      `from a push to the moved channel of a host that is built in 5 s: ${((Date.now() - begin) / 1000).toFixed(1)} s`,
    );
    await untilVerified(second);
    const statuses = await gitea.api<readonly { readonly context: string; readonly status: string }[]>(
      'GET',
      `${at}/statuses/${second}?sort=oldest`,
    );
    const told = (context: string): readonly string[] =>
      statuses
        .filter((each) => each.context === context)
        .map(({ status }) => status)
        .sort();
    for (const context of ['lockkeeper', 'lockkeeper/athena', 'lockkeeper/delos'])
      assert.deepEqual(told(context), ['pending', 'success'], context);
    const runs = (await house.json<readonly unknown[]>(['list'])).length;
    // The two channels were pushed too, which is nothing new of main: at most the run that moves them is told.
    await until(
      () => (first.running.output().match(/ 20[02] push/g) ?? []).length >= 3,
      30_000,
      () => first.running.output(),
    );
    assert.equal((await house.json<readonly unknown[]>(['list'])).length, runs);

    await fleet.moveInput('alpha');
    const update = house.start([
      ...[
        'update',
        `${gitea.url}/${gitea.owner}/fleet.git`,
        '--https-token-file',
        tokenFile,
        '--land',
        'pull-request',
        '--forge-kind',
        'gitea',
      ],
      ...['--forge-token-file', tokenFile, '--approve', '--merge', 'self', '--json'],
    ]);
    const { run } = await runInPhase(client, 'waiting-for-approval', update);
    const [{ number } = { number: 0 }] = await gitea.api<readonly { readonly number: number }[]>('GET', `${at}/pulls`);
    // That its request was opened is told to the run, which waits; that it is closed may be seen by the run's own look sooner.
    await until(
      async () => (await signalled(client, run)) > 0,
      60_000,
      () => first.running.output(),
    );
    await gitea.api('PATCH', `${at}/pulls/${number}`, { state: 'closed' });
    assert.equal(await update.ended, 4, update.output());

    const port = Number(new URL(first.url).port);
    // Not later: the watcher that was told of the request looks once more after a while, which may be as soon as it is back.
    const before = (await house.json<readonly unknown[]>(['list'])).length;
    await client.connection.close();
    await kill(house, 'both');
    const body = JSON.stringify({
      ref: 'refs/heads/main',
      repository: { clone_url: `${gitea.url}/${gitea.owner}/fleet.git` },
    });
    const headers = {
      'x-gitea-event': 'push',
      'x-gitea-signature': createHmac('sha256', SECRET).update(body).digest('hex'),
    };
    await until(
      async () => (await fetch(first.url, { method: 'POST', headers, body }).catch(() => null))?.status === 503,
      30_000,
      () => first.running.output(),
    );
    // In the middle of a request: what is half there was never told to anybody, and the forge sends it again.
    const half = request(first.url, { method: 'POST', headers: { ...headers, 'content-length': body.length } });
    const cut = once(half, 'error');
    await new Promise((sent) => half.write(body.slice(0, body.length / 2), sent));
    first.running.child.kill('SIGKILL');
    await first.running.ended;
    await cut;
    const third = await fleet.pushToMain({ 'note.txt': 'three\n' });
    await publish();
    await house.dev();
    client = await connectTo(house);
    const next = await listen(port);
    const sendAgain = (): Promise<void> =>
      until(
        async () => (await fetch(next.url, { method: 'POST', headers, body })).status === 202,
        60_000,
        () => next.running.output(),
      );
    await sendAgain();
    await untilTested(third);
    await untilVerified(third);
    // Repeated once more it is looked into, and nothing is done.
    const looks = async (): Promise<number> =>
      ((await client.workflow.getHandle(WATCHER).fetchHistory()).events ?? []).filter(
        (event) => event.activityTaskCompletedEventAttributes != null,
      ).length;
    const untilLooked = (more: number): Promise<void> => until(async () => (await looks()) >= more, 60_000);
    await untilLooked(1);
    const looked = await looks();
    await sendAgain();
    await gitea.api('POST', `${at}/hooks/${hook.id}/tests`);
    await untilLooked(looked + 1);
    assert.equal((await house.json<readonly unknown[]>(['list'])).length, before + 1);
  },
);
