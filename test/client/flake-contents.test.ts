import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { flakeContents } from '../../client/flake/contents.js';
import { remoteMainBranch } from '../../client/flake/main-branch.js';
import { withEndlessRemote } from '../support/endless-remote.js';
import { runningCommands } from '../support/processes.js';
import { repositoryAt } from '../support/repository.js';
import { withVariables } from '../support/variables.js';

const EVALUATION = { options: [], impure: false };

test('a token that a remote echoes when it refuses it is not shown', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'lockkeeper-contents-'));
  const httpsTokenFile = path.join(folder, 'token');
  await writeFile(httpsTokenFile, 'sesame-open\n', { mode: 0o600 });
  const server = createServer((request, response) => {
    const given = Buffer.from((request.headers.authorization ?? '').replace(/^Basic /, ''), 'base64').toString();
    if (given === '') response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="test"' }).end();
    else response.writeHead(403, { 'Content-Type': 'text/plain' }).end(`no entry for ${given.split(':')[1] ?? ''}\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/fleet.git`;
    const transport = { sshKeyFile: null, knownHostsFile: null, httpsTokenFile };
    const told = await flakeContents(repositoryAt(url, { transport }), EVALUATION, false);
    assert.ok(!told.ok);
    assert.equal(told.why, 'no entry for [secret]');
  } finally {
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
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
