import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import { commitFile } from '../../activities/git/commit.js';
import { createGitActivities } from '../../activities/git/index.js';
import { fetchMirror, mirrorPath } from '../../activities/git/mirror.js';
import { run } from '../../activities/command/process.js';
import { gitEnvironment } from '../../model/git/environment.js';
import type { Repository } from '../../model/run/options.js';
import { failure } from '../support/failure.js';
import { serveGit } from '../support/git-http.js';
import { git } from '../support/git.js';
import { repositoryAt, withPlace } from '../support/repository.js';
import { withStandIn } from '../support/stand-in.js';

const noFiles = { sshKeyFile: null, knownHostsFile: null, httpsTokenFile: null };

const withToken = (repository: Repository, httpsTokenFile: string): Repository => ({
  ...repository,
  transport: { ...noFiles, httpsTokenFile },
});

async function tokenFile(root: string, content: string, mode = 0o600): Promise<string> {
  const file = path.join(root, 'the token');
  await writeFile(file, content);
  await chmod(file, mode);
  return file;
}

test('a token file gives the password, to this remote and in no argument or setting', () =>
  withPlace(async ({ root, env, base, checkout }) => {
    const server = await serveGit(root, 'sesame');
    try {
      const repository = repositoryAt(`${server.url}/remote.git`, { checkout });
      // A stored password of the person would be tried first, and be wrong.
      await git(checkout, 'config', 'credential.helper', '!echo username=x; echo password=wrong; :');
      const file = await tokenFile(root, 'sesame\n');
      const mirror = await fetchMirror(env, withToken(repository, file));
      assert.equal(await git(mirror, 'rev-parse', 'refs/heads/main'), base);
      assert.deepEqual([...new Set(server.credentials)], ['x-access-token:sesame']);
      assert.equal((await run('grep', ['-r', 'sesame', mirror])).exitCode, 1);

      await writeFile(file, 'wrong\n');
      const refused = await failure(fetchMirror(env, withToken(repository, file)), 'RemoteUnreachable');
      assert.match(refused.message, /--https-token-file/);
      await failure(fetchMirror(env, repositoryAt(`${server.url}/remote.git`)), 'RemoteUnreachable');
      await failure(fetchMirror(env, withToken(repositoryAt(`${server.url}/no.git`), file)), 'RemoteUnreachable');
    } finally {
      await server.close();
    }
  }));

test('a token that may only read is told so when it comes to pushing', () =>
  withPlace(async ({ root, env, base }) => {
    const server = await serveGit(root, 'reader', 'writer');
    try {
      await git(path.join(root, 'remote.git'), 'config', 'http.receivepack', 'true');
      const file = await tokenFile(root, 'reader');
      const repository = withToken(repositoryAt(`${server.url}/remote.git`), file);
      const activities = createGitActivities(env);
      const signature = {
        author: { name: 'A', email: 'a@b' },
        committer: { name: 'A', email: 'a@b' },
        date: 1_790_000_000,
      };
      const lock = { repository, parent: base, path: 'flake.lock', content: 'one\n', message: 'Update\n' };
      const candidate = await commitFile(env, { ...lock, ...signature });
      const wanted = {
        repository,
        candidate,
        mode: 'branch',
        instance: 'i',
        branch: 'b',
        fallbackBranch: 'c',
      } as const;
      const { message } = await failure(activities.land(wanted), 'RemoteReadOnly');
      assert.match(message, /not allowed/);
      await writeFile(file, 'writer');
      assert.equal((await activities.land(wanted)).kind, 'landed');
    } finally {
      await server.close();
    }
  }));

test('a token file that is missing, empty or open to others is refused by name, before anything is asked', () =>
  withPlace(async ({ root, env, repository }) => {
    const refusal = async (file: string): Promise<string> =>
      (await failure(fetchMirror(env, withToken(repository, file)), 'TokenFile')).message;
    assert.match(await refusal(path.join(root, 'nowhere')), /nowhere" does not exist/);
    assert.match(await refusal(await tokenFile(root, ' \n')), /the token" is empty/);
    assert.match(await refusal(await tokenFile(root, 'sesame', 0o640)), /mode 640.*chmod 600/);
    assert.match(await refusal(await tokenFile(root, 'sesame', 0o604)), /mode 604/);
    assert.match(await refusal(root), /not a regular file|others than its owner/);
  }));

test("the checkout's own insteadOf is followed, and a password in its settings stays out of messages", () =>
  withPlace(async ({ root, env, checkout, remote, base }) => {
    await git(checkout, 'config', `url.${root}/.insteadOf`, 'forge:');
    const repository = repositoryAt('forge:remote.git', { checkout });
    const mirror = await fetchMirror(env, repository);
    assert.equal(await git(mirror, 'rev-parse', 'refs/heads/main'), base);
    assert.equal(await git(mirror, 'config', '--get-regexp', 'url').catch(() => ''), '');
    assert.notEqual(remote, '');

    await git(checkout, 'config', 'url.http://me:sesame@127.0.0.1:9/.insteadOf', 'down:');
    const down = repositoryAt('down:x.git', { checkout });
    const { message } = await failure(fetchMirror(env, down), 'RemoteUnreachable', { retryable: true });
    assert.ok(!message.includes('sesame'), message);
  }));

test('core.sshCommand of the checkout is kept; a key file of the run comes before it', () =>
  withPlace(async ({ root, env, checkout }) => {
    const calls = path.join(root, 'calls');
    const program = path.join(root, 'my ssh');
    await writeFile(program, `#!/bin/sh\necho "$@" >> '${calls}'\nexec git-upload-pack '${root}/remote.git'\n`);
    await chmod(program, 0o755);
    await git(checkout, 'config', 'core.sshCommand', `'${program}' -x`);
    const repository = repositoryAt('git@forge.example:remote.git', { checkout });
    await fetchMirror(env, repository);
    assert.match((await run('cat', [calls])).stdout, /^-x -o SendEnv=GIT_PROTOCOL git@forge\.example git-upload-pack/m);

    // The program named `ssh` on the PATH stands for OpenSSH.
    const key = path.join(root, "key '$(touch pwned)");
    await writeFile(key, '');
    const named = { ...repository, transport: { ...noFiles, sshKeyFile: key, knownHostsFile: key } };
    await withStandIn('ssh', `for a; do echo "[$a]" >> '${calls}'; done; exit 255`, () =>
      failure(fetchMirror(env, named), 'RemoteUnreachable', { retryable: true }),
    );
    const said = (await run('cat', [calls])).stdout;
    assert.ok(said.includes(`[-i]\n[${key}]\n[-o]\n[IdentitiesOnly=yes]`), said);
    assert.ok(said.includes(`[UserKnownHostsFile="${key}"]`), said);
    const nowhere = { ...noFiles, sshKeyFile: path.join(root, 'nowhere') };
    await failure(fetchMirror(env, { ...repository, transport: nowhere }), 'BadOptions');
  }));

test("a worker started from a hook does not work in the hook's repository, and asks nobody", () => {
  const env = gitEnvironment(
    {
      HOME: '/home/me',
      GIT_DIR: '/somewhere/.git',
      GIT_INDEX_FILE: 'x',
      SSH_AUTH_SOCK: '/agent',
      SSH_ASKPASS: '/usr/bin/window',
      HTTPS_PROXY: 'http://proxy',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'http.sslCAInfo',
      GIT_CONFIG_VALUE_0: '/ca.pem',
    },
    [['http.proxy', 'http://proxy']],
  );
  assert.equal(env.GIT_DIR, undefined);
  assert.equal(env.GIT_INDEX_FILE, undefined);
  assert.equal(env.SSH_ASKPASS, undefined);
  assert.equal(env.GIT_ASKPASS, '');
  assert.equal(env.GIT_TERMINAL_PROMPT, '0');
  assert.equal(env.SSH_AUTH_SOCK, '/agent');
  assert.equal(env.HTTPS_PROXY, 'http://proxy');
  assert.deepEqual(
    [env.GIT_CONFIG_KEY_0, env.GIT_CONFIG_VALUE_0, env.GIT_CONFIG_KEY_1, env.GIT_CONFIG_VALUE_1],
    ['http.sslCAInfo', '/ca.pem', 'http.proxy', 'http://proxy'],
  );
});

test('cancelling an activity ends a fetch from a remote that never answers', () =>
  withPlace(async ({ env }) => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const activity = new MockActivityEnvironment();
    try {
      const port = (silent.address() as AddressInfo).port;
      const repository = repositoryAt(`http://127.0.0.1:${port}/x.git`);
      const started = Date.now();
      const running = activity.run(createGitActivities(env).resolveBase, { repository, run: 'r' });
      setTimeout(() => {
        activity.cancel('CANCELLED');
      }, 500);
      await assert.rejects(running, /CANCELLED/);
      assert.ok(Date.now() - started < 4000);
      // The helper that held the connection is gone with Git.
      assert.equal((await run('pgrep', ['--full', `127.0.0.1:${port}/x.git`])).exitCode, 1);
      assert.ok(!(await run('ls', [mirrorPath(env, repository)])).stdout.includes('objects'));
    } finally {
      silent.close();
    }
  }));
