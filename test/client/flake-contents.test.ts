import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { flakeContents } from '../../client/flake/contents.js';
import { remoteMainBranch } from '../../client/flake/main-branch.js';
import { withEndlessRemote } from '../support/endless-remote.js';
import { withRefusingRemote } from '../support/http.js';
import { runningCommands } from '../support/processes.js';
import { repositoryAt } from '../support/repository.js';
import { withFolder } from '../support/scope.js';
import { withVariables } from '../support/variables.js';

const EVALUATION = { options: [], impure: false };

test('a token that a remote echoes when it refuses it is not shown', async (t) => {
  const httpsTokenFile = path.join(await withFolder(t), 'token');
  await writeFile(httpsTokenFile, 'sesame-open\n', { mode: 0o600 });
  const url = await withRefusingRemote(t, (_, plain) => `no entry for ${plain.split(':')[1] ?? ''}`);
  const transport = { sshKeyFile: null, knownHostsFile: null, httpsTokenFile };
  const told = await flakeContents(repositoryAt(`${url}/fleet.git`, { transport }), EVALUATION, false);
  assert.ok(!told.ok);
  assert.equal(told.why, 'no entry for [secret]');
});

for (const how of ['refs', 'http-refs'] as const) {
  test(`a command that looks at a remote without end (${how}) says so, and leaves no process behind`, () =>
    withVariables({ LOCKKEEPER_FETCH_MEMORY: '100M', LOCKKEEPER_FETCH_SIZE: '100M' }, () =>
      withEndlessRemote(how, async ({ url }) => {
        const repository = repositoryAt(url);
        if (how === 'refs') {
          const told = await flakeContents(repository, EVALUATION, false);
          assert.ok(!told.ok);
          assert.match(told.why, /sent more than there is room for/);
        } else {
          const { transport } = repository;
          const asked = remoteMainBranch({ url, transport, checkout: null, wanted: null });
          await assert.rejects(asked, /cannot be reached: it sent more than there is room for, and was cut off/);
        }
        assert.equal(
          (await runningCommands()).some(({ words }) => words.join(' ').includes(url)),
          false,
        );
      }),
    ));
}
