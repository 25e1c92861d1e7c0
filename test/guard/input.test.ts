import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import { guarded } from '../../activities/guard.js';
import { failure } from '../support/failure.js';
import { repositoryAt } from '../support/repository.js';

/** What an activity that takes anything says to an input; `null` when it takes it. */
async function refusal(input: unknown): Promise<string | null> {
  let called = false;
  const { anything } = guarded({
    anything: (given: unknown): Promise<unknown> => {
      called = true;
      return Promise.resolve(given);
    },
  });
  const result = new MockActivityEnvironment().run(anything, input);
  if (await result.then(() => true).catch(() => false)) return null;
  const { message } = await failure(result, 'BadOptions');
  assert.ok(!called);
  return message;
}

const noFiles = { sshKeyFile: null, knownHostsFile: null, httpsTokenFile: null };
const nix = { options: [], impure: false, acceptFlakeConfig: false };
const commit = 'a'.repeat(40);

const FORGE = { kind: 'gitea', url: 'https://git.example', repository: 'me/fleet', tokenFile: '/run/token' };

test('what the client lets pass, activities take', async () => {
  const urls = ['/srv/fleet.git', 'https://me@forge.example/a/b.git', 'ssh://git@h:22/x', 'git@host:x', 'forge:x'];
  for (const url of urls) {
    const repository = repositoryAt(url, {
      displayUrl: url.replace('me@', '').replace('//git@', '//'),
      dir: 'nix/hosts',
    });
    assert.equal(await refusal({ repository, run: 'r' }), null);
  }
  const options = [
    ['max-jobs', '3'],
    ['builders', ''],
  ];
  const candidate = { base: commit, head: 'b'.repeat(64), bundle: 'IyB2' };
  const person = { name: 'Ann Ó', email: 'a@b' };
  const ntfy = { server: 'https://ntfy.example', topic: 'fleet', tokenFile: '/run/token' };
  const all = {
    hosts: ['web.example', 'ann@home'],
    exclude: '.*-minimal',
    inputs: 'all',
    nix: { ...nix, options },
    author: person,
    committer: person,
    date: 1_790_000_000,
    candidate,
    base: commit,
    branch: 'flake-update-20261121',
    forge: { ...FORGE, repository: 'me/fleet.nix' },
    requests: [{ branch: 'bot/flake-update', number: 3, state: 'open' }],
    ...{ labels: ['bot: update'], assignees: ['ann'], reviewers: ['club/night'], milestone: 'x', asDraft: true },
    ...{ replaces: 3, siteUrl: 'https://fleet.example.org' },
    lock: null,
    evaluation: {
      drvPath: '/nix/store/00000000000000000000000000000000-x.drv',
      outPath: '/nix/store/00000000000000000000000000000000-x',
    },
    gate: { kind: 'gate', name: 'fmt', check: { kind: 'command', words: ['true', '-x'] }, timeoutSeconds: 5 },
    options: { ntfy, inboxOrg: '/home/ann/inbox.org' },
  };
  assert.equal(await refusal(all), null);
  assert.equal(await refusal({}), null);
});

test('a repository that is a command, an option, or leads out of itself is refused by its field', async () => {
  const cases: readonly (readonly [Parameters<typeof repositoryAt>[1] & object, RegExp])[] = [
    [{ url: 'ext::sh -c touch% /tmp/x' }, /repository\.url .*is a command/],
    [{ url: '--upload-pack=touch /tmp/x' }, /repository\.url .*starts with a dash/],
    [{ url: 'ssh://-oProxyCommand=x/y' }, /repository\.url .*starts with a dash/],
    [{ url: 'git@-oProxyCommand=x:y' }, /repository\.url .*starts with a dash/],
    [{ url: 'https://me:swordfish@h/x' }, /repository\.url .*holds a password/],
    [{ url: 'relative', local: true }, /repository\.url .*absolute path/],
    [{ displayUrl: 'https://else.example/' }, /repository\.displayUrl .*is not the URL/],
    [{ checkout: 'here' }, /repository\.checkout .*absolute path/],
    [{ mainBranch: '--output=x' }, /repository\.mainBranch .*starts with "-"/],
    [{ mainBranch: 'main^{tree}' }, /repository\.mainBranch/],
    [{ dir: '../../etc' }, /repository\.dir .*inside/],
    [{ dir: 'a/..' }, /repository\.dir .*inside/],
    [{ dir: '/etc' }, /repository\.dir .*inside/],
    [{ transport: { ...noFiles, sshKeyFile: '-oProxyCommand=x' } }, /transport\.sshKeyFile .*absolute path/],
  ];
  for (const [change, expected] of cases) {
    const url = change.url ?? '/srv/fleet.git';
    const message = await refusal({ repository: { ...repositoryAt(url), displayUrl: url, ...change }, run: 'r' });
    assert.match(message ?? 'taken', expected);
    assert.ok(!(message ?? '').includes('swordfish'));
  }
});

test('names, settings, commits and paths that are not what they should be are refused by their field', async () => {
  const cases: readonly (readonly [object, RegExp])[] = [
    [{ hosts: ['web', '--option'] }, /hosts "--option"/],
    [{ hosts: 'some' }, /hosts "some" is not a list/],
    [{ gate: { name: '../x' } }, /gate\.name "\.\.\/x" is not a valid gate name/],
    [
      { gate: { name: 'x', timeoutSeconds: 5, check: { kind: 'preset', preset: 'rm' } } },
      /gate\.check\.preset "rm" is not one of flake-check/,
    ],
    [
      { gate: { name: 'x', timeoutSeconds: 5, check: { kind: 'command', words: [] } } },
      /gate\.check\.words .*has no command/,
    ],
    [{ exclude: 'a)|(b' }, /exclude .*not a regular expression/],
    [{ inputs: ['../x'] }, /inputs "\.\.\/x"/],
    [{ nix: { ...nix, options: [['access-tokens', 'a=b']] } }, /nix\.options "access-tokens" would put secrets/],
    [{ nix: { ...nix, options: [['x\ny', '1']] } }, /nix\.options .*not a name of a Nix setting/],
    [{ nix: { ...nix, options: ['max-jobs'] } }, /nix\.options .*not a name and a value/],
    [{ nix: { ...nix, impure: 'no' } }, /nix\.impure .*neither true nor false/],
    [{ nix: { ...nix, allowSources: ['/srv'] } }, /nix\.allowSources "\/srv" is not a source/],
    [{ author: { name: 'A\nB', email: 'a@b' } }, /author/],
    [{ base: 'HEAD' }, /base "HEAD" is not a full commit/],
    [{ candidate: { base: commit, head: '../../../../', bundle: '' } }, /candidate\.head .*not a full commit/],
    [{ branch: 'a..b' }, /branch "a\.\.b"/],
    [{ evaluation: { drvPath: '/nix/store/../../tmp/x.drv' } }, /evaluation\.drvPath/],
    [{ drvPath: '/tmp/x.nix' }, /drvPath/],
    [{ takeoverSeconds: '1; reboot' }, /takeoverSeconds .*not a time span/],
    [
      { options: { ntfy: { server: 'file:///etc', topic: 'a', tokenFile: null }, inboxOrg: null } },
      /options\.ntfy\.server/,
    ],
    [{ options: { ntfy: null, inboxOrg: 'inbox.org' } }, /options\.inboxOrg/],
    [{ forge: { ...FORGE, kind: 'rpc' } }, /forge\.kind "rpc" is not one of gitea/],
    [{ forge: { ...FORGE, url: 'http://git.example' } }, /forge\.url .*unencrypted/],
    [{ forge: { ...FORGE, repository: '../admin' } }, /forge\.repository .*is not of the form OWNER\/NAME/],
    [{ forge: { ...FORGE, tokenFile: 'token' } }, /forge\.tokenFile .*absolute path/],
    [{ requests: [{ branch: '-x', number: 1 }] }, /requests\.branch/],
    [{ labels: ['a\nb'] }, /labels .*is not a label/],
    [{ assignees: ['../x'] }, /assignees .*is not an account of a forge/],
    [{ reviewers: ['a/b/c'] }, /reviewers .*is not an account or team/],
  ];
  for (const [input, expected] of cases) assert.match((await refusal(input)) ?? 'taken', expected);
});
