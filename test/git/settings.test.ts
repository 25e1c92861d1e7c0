import assert from 'node:assert/strict';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { createApplyFix } from '../../activities/git/apply-fix.js';
import { commitFile } from '../../activities/git/commit.js';
import { openGit } from '../../activities/git/git.js';
import { createGitActivities } from '../../activities/git/index.js';
import { createCommitCandidate } from '../../activities/nix/lock/commit-candidate.js';
import { mirrorPath } from '../../activities/git/mirror.js';
import { readCommit } from '../../activities/git/read-commit.js';
import { openRemoteGit } from '../../activities/git/transport.js';
import type { Candidate } from '../../model/verify/candidate.js';
import { failure } from '../support/failure.js';
import { commitFiles, git } from '../support/git.js';
import { activityEnvironment, repositoryAt, withPlace, type Place } from '../support/repository.js';

const person = { name: 'Lockkeeper', email: 'lockkeeper@example.org' };
const stamp = { author: person, committer: person, date: 1_790_000_000 };

/** Settings that people have, and some that nobody should have; a program that one of them starts leaves a file. */
const hostile = (root: string): string => `
[core]
  autocrlf = true
  eol = crlf
  safecrlf = true
  abbrev = no
  attributesFile = ${root}/attributes
  excludesFile = ${root}/everything
  fsmonitor = ${root}/program
  hooksPath = ${root}/hooks
  pager = ${root}/program
  quotePath = true
  sparseCheckout = true
  splitIndex = true
  untrackedCache = true
  fileMode = false
  symlinks = false
  compression = 0
  logAllRefUpdates = always
  sharedRepository = group
[init]
  defaultBranch = elsewhere
  defaultObjectFormat = sha256
  defaultRefFormat = reftable
  templateDir = ${root}/template
[safe]
  bareRepository = explicit
[log]
  showSignature = true
  date = relative
  follow = true
[format]
  pretty = oneline
[i18n]
  commitEncoding = latin1
  logOutputEncoding = latin1
[commit]
  gpgSign = true
[tag]
  gpgSign = true
  forceSignAnnotated = true
[gpg]
  program = ${root}/program
[user]
  useConfigOnly = true
  signingKey = nobody
[diff]
  external = ${root}/program
  noprefix = true
  renames = copies
  mnemonicPrefix = true
  orderFile = ${root}/nowhere
[apply]
  whitespace = error
  ignoreWhitespace = change
[merge]
  autoStash = true
  ff = false
  verifySignatures = true
[pull]
  rebase = true
[rebase]
  autoStash = true
[status]
  showUntrackedFiles = no
  short = true
  branch = true
[column]
  ui = always
[color]
  ui = always
  remote = always
  push = always
  transport = always
  status = always
[index]
  version = 4
[fetch]
  prune = false
  pruneTags = true
  writeCommitGraph = true
  recurseSubmodules = true
  fsckObjects = true
[push]
  default = nothing
  followTags = true
  gpgSign = if-asked
  recurseSubmodules = check
  useForceIfIncludes = true
  negotiate = true
[remote "origin"]
  url = /nowhere
  pushurl = /nowhere
  mirror = true
  prune = true
  fetch = +refs/pull/*:refs/pull/*
[submodule]
  recurse = true
[grep]
  lineNumber = true
  column = true
[pack]
  packSizeLimit = 1m
  window = 0
[feature]
  experimental = true
  manyFiles = true
[advice]
  detachedHead = true
`;

/** Runs `work` as if the person that the worker belongs to had these settings. */
async function underSettings<T>(file: string, work: () => Promise<T>): Promise<T> {
  const before = process.env.GIT_CONFIG_GLOBAL;
  process.env.GIT_CONFIG_GLOBAL = file;
  try {
    return await work();
  } finally {
    if (before === undefined) delete process.env.GIT_CONFIG_GLOBAL;
    else process.env.GIT_CONFIG_GLOBAL = before;
  }
}

async function hostileSettings(root: string): Promise<string> {
  const program = path.join(root, 'program');
  await writeFile(program, `#!/bin/sh\ntouch '${root}/program-ran'\nexit 1\n`, { mode: 0o755 });
  for (const folder of ['hooks', 'template', 'template/hooks'])
    await mkdir(path.join(root, folder), { recursive: true });
  await writeFile(path.join(root, 'hooks', 'reference-transaction'), `#!/bin/sh\nexec '${program}'\n`, { mode: 0o755 });
  await writeFile(path.join(root, 'template', 'config'), `[core]\n  hooksPath = ${root}/hooks\n`);
  await writeFile(path.join(root, 'attributes'), '* text eol=crlf\n');
  await writeFile(path.join(root, 'everything'), '*\n');
  const file = path.join(root, 'gitconfig');
  await writeFile(file, hostile(root));
  return file;
}

/** All that Git does in an update: base, lock, message, a fix on top, a look at both, and landing. */
async function update(place: Place, state: string, branch: string) {
  const env = activityEnvironment(state);
  const { repository } = place;
  const activities = createGitActivities(env);
  const base = await activities.resolveBase({ repository, run: 'r' });
  const content = 'one\ntwo \nthrée\n';
  const file = { repository, parent: base.commit, path: 'flake.lock', content, message: 'Draft\n', ...stamp };
  const draft = await commitFile(env, file);
  const candidate = await createCommitCandidate(env)({ repository, draft, message: 'Üpdate\n\nbody\n', ...stamp });
  const fix: Candidate = await commitFile(env, {
    ...{ ...file, parent: candidate.head, path: 'fixes/Ä b.nix', content: '{ }\n' },
    message: 'Fix — it\n',
  });
  const fixed = await createApplyFix(env)({ repository, candidate, fix: { ...fix, base: candidate.head }, ...stamp });
  const head = fixed ?? candidate;
  const read = await readCommit(openGit(mirrorPath(env, repository)), head.head);
  const landed = await activities.land({
    ...{ repository, candidate: head, mode: 'branch', instance: 'i' },
    ...{ branch, fallbackBranch: `${branch}-2` },
  });
  return { base, head, read, landed };
}

test('an update under every setting that could do harm lands the same bytes as under none', () =>
  withPlace(async (place) => {
    await commitFiles(place.checkout, { 'notes.txt': 'mine\n' }, 'Nötes');
    await writeFile(path.join(place.checkout, 'notes.txt'), 'ours\n');
    const settings = await hostileSettings(place.root);
    // The remote is a folder here, and has hooks of its own: those of the settings are a server's that nobody has.
    await git(place.remote, 'config', 'core.hooksPath', 'hooks');
    const plain = await underSettings('/dev/null', () => update(place, path.join(place.root, 'plain'), 'plain'));
    await git(place.remote, 'update-ref', '-d', 'refs/heads/plain');
    const under = await underSettings(settings, () => update(place, path.join(place.root, 'hostile'), 'hostile'));
    assert.deepEqual({ ...under, landed: null }, { ...plain, landed: null });
    assert.deepEqual(plain.read, { message: 'Fix — it\n', committedAt: stamp.date });
    assert.match(
      plain.base.leftOut.join('\n'),
      /1 unpushed commit of main: [0-9a-f]{7} Nötes\n1 uncommitted file: notes.txt/,
    );
    assert.equal(under.landed.kind, 'landed');
    assert.equal(await git(place.remote, 'rev-parse', 'hostile'), plain.head.head);
    assert.equal(await git(place.remote, 'for-each-ref', '--format=%(refname)', 'refs/pull', 'refs/tags'), '');
    await assert.rejects(stat(path.join(place.root, 'program-ran')), /ENOENT/);
  }));

test('a checked-out main is fast-forwarded under the same settings, and nothing is stashed', () =>
  withPlace(async ({ root, env, checkout, base }) => {
    await git(checkout, 'remote', 'remove', 'origin');
    const repository = repositoryAt(checkout, { local: true, checkout });
    const settings = await hostileSettings(root);
    await underSettings(settings, async () => {
      const file = { repository, parent: base, path: 'flake.lock', content: 'one\n', message: 'Update\n', ...stamp };
      const candidate = await commitFile(env, file);
      const { land } = createGitActivities(env);
      const main = { repository, candidate, mode: 'merge', instance: 'i', branch: 'b', fallbackBranch: 'c' } as const;
      assert.equal((await land(main)).kind, 'landed');
      assert.equal(await git(checkout, 'rev-parse', 'main'), candidate.head);
    });
    assert.match(await readFile(path.join(checkout, 'flake.lock'), 'utf8'), /^one\r?\n$/);
    assert.equal(await git(checkout, 'stash', 'list'), '');
    await assert.rejects(stat(path.join(root, 'program-ran')), /ENOENT/);
  }));

test('headers that the person sets for all repositories are sent once, and the checkout’s own besides', () =>
  withPlace(async ({ root, env, checkout, repository }) => {
    const file = path.join(root, 'gitconfig');
    await writeFile(file, '[http]\n  extraHeader = X-One: 1\n[push]\n  pushOption = one\n');
    await git(checkout, 'config', 'http.extraHeader', 'X-Two: 2');
    await git(checkout, 'config', 'push.pushOption', 'two');
    await mkdir(env.state.mirrors, { recursive: true });
    const remote = await underSettings(file, () => openRemoteGit(env.state.mirrors, repository));
    const read = async (key: string) =>
      (await underSettings(file, () => remote.run(['config', '--get-all', key]))).trim().split('\n');
    assert.deepEqual(await read('http.extraHeader'), ['X-One: 1', 'X-Two: 2']);
    assert.deepEqual(await read('push.pushOption'), ['one', 'two']);
  }));

test('push options of the checkout reach the remote, and one that takes none is refused by name', () =>
  withPlace(async (place) => {
    const { env, root, remote, checkout, repository, base } = place;
    await git(checkout, 'config', 'push.pushOption', 'ci.skip');
    const activities = createGitActivities(env);
    const file = { repository, parent: base, path: 'flake.lock', content: 'one\n', message: 'Update\n', ...stamp };
    const candidate = await commitFile(env, file);
    const land = () =>
      activities.land({ repository, candidate, mode: 'branch', instance: 'i', branch: 'b', fallbackBranch: 'c' });
    assert.match((await failure(land(), 'RemoteUnreachable')).message, /takes no push options.*push\.pushOption/);
    await git(remote, 'config', 'receive.advertisePushOptions', 'true');
    const hook = path.join(remote, 'hooks', 'pre-receive');
    await mkdir(path.dirname(hook), { recursive: true });
    await writeFile(hook, `#!/bin/sh\necho "$GIT_PUSH_OPTION_0" >'${root}/options'\n`, { mode: 0o755 });
    assert.equal((await land()).kind, 'landed');
    assert.equal(await readFile(path.join(root, 'options'), 'utf8'), 'ci.skip\n');
  }));

test('objects that this machine’s Git refuses, SHA-256 repositories and a hook that refuses are said at once, by name', () =>
  withPlace(async ({ root, env, remote, base, repository }) => {
    const activities = createGitActivities(env);
    const sha256 = path.join(root, 'sha256');
    await git(root, 'init', '--quiet', '--initial-branch=main', '--object-format=sha256', sha256);
    await commitFiles(sha256, { 'flake.nix': '{ }\n' }, 'First');
    const other = repositoryAt(sha256);
    const refused = await failure(activities.resolveBase({ repository: other, run: 'r' }), 'Sha256Unsupported');
    assert.match(refused.message, /SHA-256 repository/);

    const file = { repository, parent: base, path: 'flake.lock', content: 'one\n', message: 'Update\n', ...stamp };
    const candidate = await commitFile(env, file);
    const hook = path.join(remote, 'hooks', 'reference-transaction');
    await mkdir(path.dirname(hook), { recursive: true });
    await writeFile(hook, '#!/bin/sh\n[ "$1" != prepared ] || { echo not today >&2; exit 1; }\n', { mode: 0o755 });
    const land = { repository, candidate, mode: 'branch', instance: 'i', branch: 'b', fallbackBranch: 'c' } as const;
    const { message } = await failure(activities.land(land), 'PushRejected');
    assert.match(message, /reference-transaction hook[^]*not today/);

    const strict = path.join(root, 'strict');
    await writeFile(strict, '[transfer]\n  fsckObjects = true\n');
    const tree = await git(remote, 'rev-parse', `${base}^{tree}`);
    const odd = path.join(root, 'odd');
    await writeFile(odd, `tree ${tree}\nauthor nobody 1700000000 +0000\ncommitter nobody 1700000000 +0000\n\nold\n`);
    const object = await git(remote, 'hash-object', '-t', 'commit', '-w', '--literally', odd);
    await writeFile(hook, '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    await git(remote, 'update-ref', 'refs/heads/odd', object);
    const fetched = await underSettings(strict, () =>
      failure(activities.resolveBase({ repository, run: 'r' }), 'RemoteUnreachable'),
    );
    assert.match(
      fetched.message,
      new RegExp(`object ${object}.*transfer\\.fsckObjects.*fetch\\.fsck\\.missingEmail ignore`),
    );
  }));
