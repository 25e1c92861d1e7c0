import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { accessTokenFor, fetchingEnvironment } from '../../activities/nix/access-tokens.js';
import { runNix } from '../../activities/nix/run-nix.js';
import { withoutSecrets } from '../../host/secrets/redact.js';
import { failure } from '../support/failure.js';
import { wholeFile, withFolder } from '../support/scope.js';

const folder = await withFolder(wholeFile);

async function tokens(name: string, text: string, mode = 0o600): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, text);
  await chmod(file, mode);
  return file;
}

test('Nix reads access tokens from their file, and they are in no environment and no message', async () => {
  const accessTokensFile = await tokens('good', '# forges\naccess-tokens = forge.example=PAT:open-sesame-1\n');
  const flags = ['--extra-experimental-features', 'nix-command', 'show-config', '--json'];
  const { stdout } = await runNix('nix', flags, { fetching: { accessTokensFile } });
  const settings = JSON.parse(stdout) as Readonly<Record<string, { readonly value: unknown }>>;
  assert.deepEqual(settings['access-tokens']?.value, { 'forge.example': 'PAT:open-sesame-1' });
  assert.doesNotMatch(JSON.stringify(await fetchingEnvironment({ accessTokensFile })), /sesame/);
  assert.equal(withoutSecrets('refused: open-sesame-1'), 'refused: [secret]');

  const without = JSON.parse((await runNix('nix', flags)).stdout) as typeof settings;
  assert.deepEqual(without['access-tokens']?.value, {});
});

test('Git is given the token that Nix would use for a repository, and none for another one', async () => {
  const lines = '# b.example=no-token-0\naccess-tokens = b.example=PAT:token-one b.example/owner=token-two\n';
  const accessTokensFile = await tokens('git', `${lines}extra-access-tokens = c.example=token-three\n`);
  const tokenFor = (url: string) => accessTokenFor({ accessTokensFile }, url);
  assert.equal(await tokenFor('https://b.example/other/repo'), 'token-one');
  assert.equal(await tokenFor('https://b.example/owner/repo'), 'token-two');
  assert.equal(await tokenFor('https://c.example/owner/repo'), 'token-three');
  assert.equal(await tokenFor('https://b.example.org/owner/repo'), null);
  assert.equal(await tokenFor('http://b.example/owner/repo'), null);
});

test('a file of access tokens that is missing, open to others, or holds other settings is refused by name', async () => {
  for (const [file, why] of [
    [path.join(folder, 'nowhere'), /nowhere" does not exist/],
    [await tokens('open', 'access-tokens = a=b\n', 0o644), /open" may be used by others.*chmod 600/],
    [await tokens('more', 'access-tokens = a=b\npost-build-hook = /x\n'), /more" holds more than lines "access-tokens/],
  ] as const) {
    const { message } = await failure(fetchingEnvironment({ accessTokensFile: file }), 'TokenFile');
    assert.match(message, why);
  }
});
