import assert from 'node:assert/strict';
import { mkdir, readdir, truncate, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import { fetchMirror } from '../../activities/git/mirror.js';
import { push, remoteBranches } from '../../activities/git/push.js';
import { openRemoteGit } from '../../activities/git/transport.js';
import { fetchLimits } from '../../model/machine/fetch-limits.js';
import { withEndlessRemote, type Endless } from '../support/endless-remote.js';
import { failure } from '../support/failure.js';
import { git } from '../support/git.js';
import { withVariables } from '../support/variables.js';
import { runningCommands } from '../support/processes.js';
import { repositoryAt, withPlace } from '../support/repository.js';

const LIMITS = {
  LOCKKEEPER_FETCH_SECONDS: '20',
  LOCKKEEPER_FETCH_STALL_SECONDS: '3',
  LOCKKEEPER_FETCH_SIZE: '100M',
  LOCKKEEPER_FETCH_MEMORY: '150M',
};

/** What each of them comes to, and whether it is asked once more. */
const ENDS: Record<
  Exclude<Endless, 'http-body' | 'push-drip' | 'http-push-drip'>,
  { readonly says: RegExp; readonly again?: true }
> = {
  drip: { says: /sent next to nothing for 3 s/, again: true },
  'http-drip': { says: /sent next to nothing for 3 s/, again: true },
  refs: { says: /sent (?:too much|more than .* in memory)/ },
  'http-refs': { says: /sent (?:too much|more than .* in memory)/ },
  pack: { says: /sent too much: more than 100\.0 MiB/ },
  progress: { says: /sent too much: more than 100\.0 MiB/ },
  'http-header': { says: /Too large response headers|more than 150\.0 MiB that have to be held in memory/ },
  'http-error': { says: /more than 150\.0 MiB that have to be held in memory/ },
};

const isOfRemote = (url: string): Promise<boolean> =>
  runningCommands().then((commands) => commands.some(({ words }) => words.join(' ').includes(url)));

for (const [how, { says, again = false }] of Object.entries(ENDS)) {
  test(`a remote that answers for ever (${how}) is cut off, is named, and leaves nothing behind`, () =>
    withVariables(LIMITS, () =>
      withPlace(({ env }) =>
        withEndlessRemote(how as Endless, async ({ url, sent }) => {
          const began = Date.now();
          const fetching = new MockActivityEnvironment({ attempt: 1 }).run(() => fetchMirror(env, repositoryAt(url)));
          const cut = await failure(fetching, 'RemoteUnreachable', { retryable: again });
          assert.match(cut.message, says);
          assert.ok(cut.message.includes(url), cut.message);
          assert.ok(Date.now() - began < 18_000, `${Date.now() - began} ms`);
          assert.ok(sent() < 1e9, `${sent()} bytes`);
          assert.deepEqual(await readdir(env.state.mirrors), []);
          assert.equal(await isOfRemote(url), false);
        }),
      ),
    ));
}

test('a remote that is slow is asked twice, and no more', () =>
  withVariables(LIMITS, () =>
    withPlace(({ env }) =>
      withEndlessRemote('drip', async ({ url }) => {
        const fetching = new MockActivityEnvironment({ attempt: 2 }).run(() => fetchMirror(env, repositoryAt(url)));
        await failure(fetching, 'RemoteUnreachable');
      }),
    ),
  ));

for (const how of ['push-drip', 'http-push-drip'] as const) {
  test(`a remote that takes a push and answers byte by byte (${how}) is cut off, is named, and leaves nothing behind`, () =>
    withVariables(LIMITS, () =>
      withPlace(({ env, repository }) =>
        withEndlessRemote(how, async ({ url, sent }) => {
          const endless = repositoryAt(url);
          const mirror = await fetchMirror(env, repository);
          const commit = await git(mirror, 'rev-parse', 'refs/heads/main');
          const remote = await openRemoteGit(mirror, endless);
          const pushing = push(remote, endless, { commit, branch: 'update', replaces: null });
          const cut = await failure(pushing, 'RemoteUnreachable', { retryable: true });
          assert.match(cut.message, /sent next to nothing for 3 s/);
          assert.ok(cut.message.includes(url), cut.message);
          assert.ok(sent() > 100, 'it took the commits');
          assert.equal(await isOfRemote(url), false);
        }),
      ),
    ));
}

test('a list of branches without end is cut off', () =>
  withVariables(LIMITS, () =>
    withPlace(({ env, repository }) =>
      withEndlessRemote('refs', async ({ url }) => {
        const endless = repositoryAt(url);
        const remote = await openRemoteGit(await fetchMirror(env, repository), endless);
        await failure(remoteBranches(remote, endless, ['*']), 'RemoteUnreachable');
      }),
    ),
  ));

test('what a fetch that was killed has written goes with the next one, and what is being written stays', () =>
  withPlace(async ({ env, repository }) => {
    const mirror = await fetchMirror(env, repository);
    const pack = path.join(mirror, 'objects', 'pack');
    await mkdir(pack, { recursive: true });
    for (const name of ['tmp_pack_old', 'tmp_pack_large', 'tmp_pack_new']) await writeFile(path.join(pack, name), '');
    await truncate(path.join(pack, 'tmp_pack_large'), 100 * 1024 * 1024);
    const longAgo = new Date(Date.now() - 3_600_000);
    await utimes(path.join(pack, 'tmp_pack_old'), longAgo, longAgo);
    await fetchMirror(env, repository);
    const left = (await readdir(pack)).filter((name) => name.startsWith('tmp_'));
    assert.deepEqual(left, ['tmp_pack_new']);
  }));

test('the limits of what is fetched leave room for large repositories, and are the owner’s to set', () => {
  const gib = 1024 ** 3;
  assert.deepEqual(fetchLimits({}, 64 * gib), {
    seconds: 14_400,
    stallSeconds: 600,
    writtenBytes: 64 * gib,
    memoryBytes: 4 * gib,
  });
  assert.equal(fetchLimits({}, gib).memoryBytes, gib);
  assert.equal(fetchLimits({ LOCKKEEPER_FETCH_SIZE: '2T' }, gib).writtenBytes, 2048 * gib);
  assert.throws(
    () => fetchLimits({ LOCKKEEPER_FETCH_SECONDS: '1h' }, gib),
    /LOCKKEEPER_FETCH_SECONDS "1h" is not a number/,
  );
});
