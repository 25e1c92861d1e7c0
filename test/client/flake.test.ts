import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { parseFlakeReference } from '../../client/flake/reference.js';
import { resolveFlake, type FlakeOptions } from '../../client/flake/flake.js';
import { commitFiles, git } from '../support/git.js';
import { withRefusingRemote } from '../support/http.js';
import { wholeFile, withFolder } from '../support/scope.js';

const NO_TRANSPORT = { sshKeyFile: null, knownHostsFile: null, httpsTokenFile: null };
const OPTIONS: FlakeOptions = { remote: null, main: null, transport: NO_TRANSPORT };

const root = await withFolder(wholeFile);
const bare = path.join(root, 'remote.git');
const checkout = path.join(root, 'fleet');
await mkdir(checkout);
await git(root, 'init', '--quiet', '--bare', '--initial-branch=trunk', bare);
await git(checkout, 'init', '--quiet', '--initial-branch=trunk');
await commitFiles(checkout, { 'flake.nix': '{ }\n', 'sub/flake.nix': '{ }\n', 'src/main.c': '\n' }, 'Start');
await git(checkout, 'remote', 'add', 'origin', '../remote.git');
await git(checkout, 'push', '--quiet', 'origin', 'trunk', 'trunk:release');

const refused = (flake: string, options: Partial<FlakeOptions>, message: RegExp): Promise<void> =>
  assert.rejects(resolveFlake(flake, { ...OPTIONS, ...options }), (error: Error) => {
    assert.match(error.message, message);
    return true;
  });

test('a path stands for its remote and the branch that the remote calls its head', async () => {
  const repository = await resolveFlake(checkout, OPTIONS);
  assert.deepEqual(repository, {
    url: bare,
    displayUrl: bare,
    checkout,
    local: false,
    mainBranch: 'trunk',
    dir: '',
    transport: NO_TRANSPORT,
  });
});

test('a folder below the flake means the flake above it, and ?dir= the one inside', async () => {
  assert.equal((await resolveFlake(path.join(checkout, 'src'), OPTIONS)).dir, '');
  assert.equal((await resolveFlake(path.join(checkout, 'sub'), OPTIONS)).dir, 'sub');
  assert.equal((await resolveFlake(`${checkout}?dir=sub`, OPTIONS)).dir, 'sub');
  await refused(`${checkout}?dir=src`, {}, /no flake\.nix in .*\/fleet\/src/);
  await refused(`${checkout}?dir=../x`, {}, /leaves the repository/);
});

test('the main branch is the one that was asked for, if it exists', async () => {
  assert.equal((await resolveFlake(checkout, { ...OPTIONS, main: 'release' })).mainBranch, 'release');
  assert.equal((await resolveFlake(`git+file://${bare}?ref=release`, OPTIONS)).mainBranch, 'release');
  await refused(checkout, { main: 'nope' }, /no branch "nope" .* It has release, trunk/);
  await refused(checkout, { main: 'a..b' }, /--main "a\.\.b"/);
  await refused(checkout, { main: '-x' }, /--main "-x"/);
});

test('a remote that is not there is named together with those that are', async () => {
  await refused(checkout, { remote: 'upstream' }, /no remote "upstream": it has origin/);
  const several = path.join(root, 'several');
  await git(root, 'clone', '--quiet', '--origin', 'one', bare, several);
  await git(several, 'remote', 'add', 'two', bare);
  await refused(several, {}, /several remotes.*--remote \(one, two\)/);
  assert.equal((await resolveFlake(several, { ...OPTIONS, remote: 'two' })).url, bare);
});

test('the only remote is taken whatever its name, and a push URL of its own goes before', async () => {
  const clone = path.join(root, 'clone');
  await git(root, 'clone', '--quiet', '--origin', 'upstream', `file://${bare}`, clone);
  assert.equal((await resolveFlake(clone, OPTIONS)).url, `file://${bare}`);
  await git(clone, 'remote', 'set-url', '--push', 'upstream', bare);
  assert.equal((await resolveFlake(clone, OPTIONS)).url, bare);
});

test('a repository without a remote is its own', async () => {
  const local = path.join(root, 'local');
  await git(root, 'clone', '--quiet', bare, local);
  await git(local, 'remote', 'remove', 'origin');
  const repository = await resolveFlake(local, OPTIONS);
  assert.equal(repository.local, true);
  assert.equal(repository.url, local);
  assert.equal(repository.mainBranch, 'trunk');
});

test('insteadOf is left to Git: the URL stays as the owner wrote it', async () => {
  const alias = path.join(root, 'alias');
  await git(root, 'clone', '--quiet', bare, alias);
  await git(alias, 'config', `url.${root}/.insteadOf`, 'fleet:');
  await git(alias, 'remote', 'set-url', 'origin', 'fleet:remote.git');
  const repository = await resolveFlake(alias, OPTIONS);
  assert.equal(repository.url, 'fleet:remote.git');
  assert.equal(repository.mainBranch, 'trunk');
});

test('what is no repository or no flake is said as such', async () => {
  const empty = path.join(root, 'empty');
  await mkdir(empty);
  await refused(empty, {}, /is not in a Git repository/);
  await refused(path.join(root, 'nowhere'), {}, /does not exist/);
  await git(empty, 'init', '--quiet');
  await refused(empty, {}, /no flake\.nix/);
  await refused(`git+file://${root}/gone.git`, {}, /cannot be reached/);
});

test('URLs of every kind that Git has are read', () => {
  const url = (text: string): unknown => {
    const reference = parseFlakeReference(text);
    return reference.kind === 'url' ? [reference.url, reference.dir, reference.ref] : reference;
  };
  assert.deepEqual(url('github:NixOS/nixpkgs/nixos-26.05?dir=a/b/'), [
    'https://github.com/NixOS/nixpkgs.git',
    'a/b',
    'nixos-26.05',
  ]);
  assert.deepEqual(url('gitlab:group%2Fteam/repo'), ['https://gitlab.com/group/team/repo.git', '', null]);
  assert.deepEqual(url('sourcehut:~me/repo'), ['https://git.sr.ht/~me/repo', '', null]);
  assert.deepEqual(url('git+ssh://git@host/repo.git?ref=refs/heads/main'), ['ssh://git@host/repo.git', '', 'main']);
  assert.deepEqual(url('https://host/repo.git'), ['https://host/repo.git', '', null]);
  assert.deepEqual(url('git@host:me/repo.git'), ['git@host:me/repo.git', '', null]);
  assert.deepEqual(url('path:./sub'), { kind: 'path', path: './sub', dir: '', ref: null });
});

test('addresses that hold secrets or mean no repository are refused', () => {
  assert.throws(() => parseFlakeReference('https://me:secret@host/repo.git'), {
    message: /^(?!.*secret).*--https-token-file/s,
  });
  const token = `ghp_${'x'.repeat(36)}`;
  assert.throws(() => parseFlakeReference(`https://${token}@github.com/a/b.git`), { message: /^(?!.*ghp_).*token/s });
  for (const flake of ['', '-x', '.#host', 'a\nb', 'hg+https://x/y', 'github:only', 'github:a/b?rev=0123', '.?x=1']) {
    assert.throws(() => parseFlakeReference(flake), { name: 'CommandError' }, JSON.stringify(flake));
  }
});

test('a remote that echoes the token it refuses does not bring it into the message', async (t) => {
  const httpsTokenFile = path.join(await withFolder(t), 'token');
  await writeFile(httpsTokenFile, 'swordfish+0123456789\n', { mode: 0o600 });
  const url = await withRefusingRemote(t, (_, plain) => `${plain} may not read this`);
  const transport = { sshKeyFile: null, knownHostsFile: null, httpsTokenFile };
  await assert.rejects(
    resolveFlake(`git+${url}/fleet`, { remote: null, main: null, transport }),
    /x-access-token:\[secret\] may not read this/,
  );
});

test('a tag of the name of the main branch, and settings for remotes that are not there, change nothing', async () => {
  const local = path.join(root, 'tagged');
  await git(root, 'clone', '--quiet', bare, local);
  await git(local, 'remote', 'remove', 'origin');
  await git(local, 'branch', '--move', 'main');
  await git(local, 'tag', 'main');
  // As a setting for every repository: "git config --global" writes the same.
  await git(local, 'config', 'remote.origin.fetch', '+refs/pull/*/head:refs/remotes/origin/pr/*');
  const repository = await resolveFlake(local, OPTIONS);
  assert.equal(repository.local, true);
  assert.equal(repository.mainBranch, 'main');
  await refused(local, { remote: 'origin' }, /no remote "origin": it has none/);
});

test('what insteadOf replaces is left to Git, also where it looks like a path', async () => {
  const alias = path.join(root, 'plain-alias');
  await git(root, 'clone', '--quiet', bare, alias);
  await git(alias, 'config', `url.${root}/.insteadOf`, 'work/');
  await git(alias, 'remote', 'set-url', 'origin', 'work/remote.git');
  assert.equal((await resolveFlake(alias, OPTIONS)).url, 'work/remote.git');
  // Relative to the checkout, which other folders are not.
  await git(alias, 'config', 'url.../.insteadOf', 'up/');
  await git(alias, 'remote', 'set-url', 'origin', 'up/remote.git');
  assert.equal((await resolveFlake(alias, OPTIONS)).url, bare);
});

test('of several push addresses the first one is taken, after an empty one that forgets those before it', async () => {
  const clone = path.join(root, 'pushes-twice');
  await git(root, 'clone', '--quiet', bare, clone);
  for (const address of ['/nowhere', '', bare, `file://${bare}`])
    await git(clone, 'config', '--add', 'remote.origin.pushurl', address);
  assert.equal((await resolveFlake(clone, OPTIONS)).url, bare);
});

test("a command that a hook started works in the flake's repository, not in the hook's", async () => {
  const before = { ...process.env };
  try {
    Object.assign(process.env, { GIT_DIR: bare, GIT_WORK_TREE: root, GIT_PREFIX: 'x/', GIT_INDEX_FILE: 'x' });
    assert.equal((await resolveFlake(checkout, OPTIONS)).checkout, checkout);
  } finally {
    for (const name of ['GIT_DIR', 'GIT_WORK_TREE', 'GIT_PREFIX', 'GIT_INDEX_FILE'])
      Reflect.deleteProperty(process.env, name);
    Object.assign(process.env, before);
  }
});
