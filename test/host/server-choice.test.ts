import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import * as envconfig from '@temporalio/envconfig';
import { chooseServer, serverSecretFiles } from '../../host/server-choice.js';
import { withFolder } from '../support/scope.js';
import { withVariables } from '../support/variables.js';

test('files of Temporal’s configuration that have no end, or never begin, are refused by their names', async (t) => {
  const folder = await withFolder(t);
  const [pipe, large, profile] = ['pipe', 'large', 'temporal.toml'].map((name) => path.join(folder, name));
  assert.ok(pipe !== undefined && large !== undefined && profile !== undefined);
  execFileSync('sh', ['-c', 'mkfifo "$0"', pipe]);
  await writeFile(large, '');
  await truncate(large, 2 * 1024 * 1024);
  const refused = (variables: Readonly<Record<string, string>>, why: RegExp): Promise<unknown> =>
    withVariables({ TEMPORAL_ADDRESS: 'temporal.example.org:7233', ...variables }, () => {
      assert.throws(() => chooseServer(envconfig), why);
      return Promise.resolve();
    });
  await writeFile(profile, '');
  await refused({ TEMPORAL_CONFIG_FILE: profile }, new RegExp(`cannot be used: ${profile} holds no profiles\\.`));
  for (const [file, why] of [
    [pipe, 'is not a regular file'],
    ['/dev/zero', 'is not a regular file'],
    [large, 'is larger than 1\\.0 MiB'],
  ] as const) {
    const words = new RegExp(`environment configuration cannot be used: ${file} ${why}`);
    await refused({ TEMPORAL_CONFIG_FILE: file }, words);
    await refused({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: file }, words);
    await writeFile(profile, `[profile.default.tls]\nclient_cert_path = "${file}"\nclient_key_path = "${file}"\n`);
    await refused({ TEMPORAL_CONFIG_FILE: profile }, words);
  }
});

test('what proves to a server who asks is a secret: the profile file, and the key of a certificate', async (t) => {
  const folder = await withFolder(t);
  const profile = path.join(folder, 'temporal.toml');
  await writeFile(profile, '[profile.default.tls]\nclient_cert_path = "/keys/cert"\nclient_key_path = "/keys/key"\n');
  await withVariables({ TEMPORAL_CONFIG_FILE: profile }, () => {
    assert.deepEqual(serverSecretFiles(envconfig), [profile, '/keys/key']);
    return Promise.resolve();
  });
  const usual = path.join(folder, 'temporalio', 'temporal.toml');
  await withVariables({ XDG_CONFIG_HOME: folder }, () => {
    assert.deepEqual(serverSecretFiles(envconfig), [usual]);
    return Promise.resolve();
  });
});
