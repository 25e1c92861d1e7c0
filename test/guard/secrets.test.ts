import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { heartbeat } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { guarded } from '../../activities/guard.js';
import { rememberConfigSecrets } from '../../activities/git/config-secrets.js';
import { createGitActivities } from '../../activities/git/index.js';
import { rememberEnvironmentSecrets, rememberSecret, withoutSecrets } from '../../host/secrets/redact.js';
import { readTokenFile } from '../../host/secrets/token-file.js';
import { failure } from '../support/failure.js';
import { withRefusingRemote } from '../support/http.js';
import { activityEnvironment, repositoryAt } from '../support/repository.js';

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'lockkeeper-secrets-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function tokenFile(folder: string, token: string): Promise<string> {
  const file = path.join(folder, 'token');
  await writeFile(file, token, { mode: 0o600 });
  return file;
}

test('a remote that echoes the token it refuses does not bring it into the failure', (t) =>
  withFolder(async (folder) => {
    const token = 'ghp_swordfish+0123/456789';
    const url = await withRefusingRemote(
      t,
      (header, plain) => `${header} is ${plain}, or ${encodeURIComponent(token)}: no`,
    );
    const httpsTokenFile = await tokenFile(folder, `${token}\n`);
    const repository = repositoryAt(`${url}/fleet.git`, {
      transport: { sshKeyFile: null, knownHostsFile: null, httpsTokenFile },
    });
    const { resolveBase } = guarded(createGitActivities(activityEnvironment(folder)));
    const context = new MockActivityEnvironment();
    const error = await failure(context.run(resolveBase, { repository, run: 'run-1' }), 'RemoteUnreachable');
    assert.match(error.message, /remote: Basic \[secret\] is x-access-token:\[secret\], or \[secret\]: no/);
    assert.ok(!`${error.message}${error.stack ?? ''}`.includes('swordfish'));
  }));

test('what an activity returns, throws or tells while it works holds no secret that was read', () =>
  withFolder(async (folder) => {
    const token = 'tk_a-builder-printed-it';
    const context = new MockActivityEnvironment();
    const beats: unknown[] = [];
    context.on('heartbeat', (details: unknown) => beats.push(details));
    const { build, fail } = guarded({
      build: async () => {
        await readTokenFile(await tokenFile(folder, token));
        heartbeat({ phase: 'building', lastLines: ['compiling', `token is ${token}`] });
        return { verdict: 'build-failed', seconds: 1.5, failedDrv: null, logTail: `+ curl -H ${token}\nfailed` };
      },
      fail: () => {
        const cause = new Error(`curl -H ${token}`);
        return Promise.reject(ApplicationFailure.create({ message: `It said ${token}`, type: 'Odd', cause }));
      },
    });
    const logTail = '+ curl -H [secret]\nfailed';
    assert.deepEqual(await context.run(build), { verdict: 'build-failed', seconds: 1.5, failedDrv: null, logTail });
    assert.deepEqual(beats, [{ phase: 'building', lastLines: ['compiling', 'token is [secret]'] }]);
    await assert.rejects(context.run(fail), (error: Error) => {
      assert.equal(error.message, 'It said [secret]');
      const cause = error.cause as Error;
      assert.ok(!`${error.stack ?? ''}${cause.message}${cause.stack ?? ''}`.includes(token));
      return true;
    });
  }));

test('secrets of the environment and of Git’s configuration are known as well, and short ones are left alone', () => {
  rememberEnvironmentSecrets({
    TEMPORAL_API_KEY: 'temporal-key-1',
    NIX_CONFIG: 'sandbox = false\nextra-access-tokens = github.com=github-token-2 gitlab.example=PAT:gitlab-token-3\n',
  });
  rememberConfigSecrets([
    [
      'http.https://forge.example/.extraheader',
      `Authorization: Basic ${Buffer.from('me:header-4').toString('base64')}`,
    ],
    ['url.https://me:inside%2Bof-5@forge.example/.insteadof', 'forge:'],
    ['http.proxy', 'http://me:proxy-word-6@proxy.example:3128'],
    ['http.https://short.example/.extraheader', 'X-Token: main'],
  ]);
  const said = `temporal-key-1 github-token-2 gitlab-token-3 header-4 ${Buffer.from('me:header-4').toString('base64')} inside+of-5 proxy-word-6 main`;
  assert.equal(withoutSecrets(said), `${'[secret] '.repeat(7)}main`);
});

test('a secret that ends by itself is forgotten some time after that, when another one is noted', () => {
  rememberSecret('ghs_of_yesterday', Date.now() - 2 * 3_600_000);
  rememberSecret('ghs_of_today', Date.now() + 3_600_000);
  assert.equal(withoutSecrets('ghs_of_yesterday ghs_of_today'), 'ghs_of_yesterday [secret]');
});

test('a pipe in the place of a token file is refused instead of waited for', () =>
  withFolder(async (folder) => {
    const { run } = await import('../../activities/command/process.js');
    const pipe = path.join(folder, 'pipe');
    await run('mkfifo', ['-m', '600', '--', pipe]);
    await assert.rejects(readTokenFile(pipe), /is not a regular file/);
  }));
