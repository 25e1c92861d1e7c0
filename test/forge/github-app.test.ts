import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createActivities } from '../../workers/activities.js';
import { assertAsDescribed } from '../support/github-description.js';
import { activityEnvironment, repositoryAt } from '../support/repository.js';
import { withFolder } from '../support/scope.js';
import { withSmallGithub } from '../support/small-github.js';

test('a GitHub App gets a token of its installation, keeps it while it is good, and says what is missing', async (t) => {
  const folder = await withFolder(t);
  const github = await withSmallGithub(t, 'keeper/fleet', () => Promise.resolve(new Map()));
  const { coordinator } = createActivities(activityEnvironment(folder));
  const keyFile = join(folder, 'app.pem');
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  // As GitHub gives it.
  const pem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  await writeFile(keyFile, pem, { mode: 0o600 });
  const forge = {
    kind: 'github' as const,
    url: github.url,
    repository: 'keeper/fleet',
    tokenFile: keyFile,
    appId: '123456',
  };
  const repository = repositoryAt('https://forge.example/keeper/fleet.git');
  const find = (attempt = 1, at = forge) =>
    new MockActivityEnvironment({ attempt }).run(() =>
      coordinator.findRequests({ repository, forge: at, branch: 'bot/flake-update' }),
    );
  const refusal = async (attempt = 1, at = forge): Promise<ApplicationFailure> => {
    const failure = (await find(attempt, at).catch((error: unknown) => error)) as ApplicationFailure;
    for (const [, , part = ''] of failure.message.matchAll(/(eyJ|ghs_)(\S+)/g)) assert.fail(`a token is told: ${part}`);
    return failure;
  };

  // GitHub does not know the key.
  assert.equal((await refusal()).type, 'ForgeUnreachable');
  assert.match(
    (await refusal(3)).message,
    /does not accept App 123456 with the key in .*check forge\.appId, and that the key/,
  );
  github.app.publicKey = publicKey;
  assert.match((await refusal()).message, /has no keeper\/fleet that App 123456 .* check .* that the App is installed/);
  github.app.installed = { contents: 'write', pull_requests: 'read' };
  assert.match((await refusal()).message, /does not let App 123456 .* do this .*\(pull_requests=write\)/);

  github.tokens.clear();
  assert.equal((await refusal()).type, 'ForgeUnreachable', 'a token that GitHub has taken back is made anew');
  github.app.installed = { contents: 'write', pull_requests: 'write', statuses: 'write', deployments: 'write' };
  github.talk.length = 0;
  await find();
  await find();
  const made = github.talk.filter(({ asked }) => asked.path.endsWith('/access_tokens'));
  assert.equal(made.length, 1);
  assert.deepEqual(
    made[0]?.asked.body,
    {
      repositories: ['fleet'],
      permissions: { pull_requests: 'write', statuses: 'write', contents: 'write' },
    },
    'for this repository, and for no more than is needed',
  );
  github.move('keeper/renamed');
  github.tokens.clear();
  await refusal();
  await find();
  assert.deepEqual(
    github.talk.findLast(({ asked }) => asked.path.endsWith('/access_tokens'))?.asked.body.repository_ids,
    [4711],
  );
  assertAsDescribed(github.talk);

  for (const text of ['no key', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString().slice(0, 400)]) {
    await writeFile(keyFile, text);
    const { type, message } = await refusal(1, { ...forge, appId: `${text.length}` });
    assert.equal(type, 'TokenFile');
    assert.match(message, /^The forge's key file ".*app\.pem" holds no private RSA key: write the key of the App/);
    assert.ok(!message.includes(pem.split('\n')[1] ?? ''));
  }
});
