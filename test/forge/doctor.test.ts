import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkForge } from '../../client/doctor/forge.js';
import { daysLeft, jobTokenWords } from '../../model/forge/tokens.js';
import type { ForgeKind } from '../../model/forge/kinds.js';
import { commitFiles, git } from '../support/git.js';
import { withFolder } from '../support/scope.js';
import { withSmallGithub } from '../support/small-github.js';
import { withSmallGitlab } from '../support/small-gitlab.js';

test('doctor says what a token or an App may do on its forge, and what is missing', async (t) => {
  const folder = await withFolder(t);
  await git(folder, 'init', '--quiet', '--initial-branch=main');
  await git(folder, 'remote', 'add', 'origin', 'git@forge.example:keeper/fleet.git');
  await commitFiles(folder, { 'flake.nix': '{ outputs = _: { }; }\n' }, 'First');
  const heads = () => Promise.resolve(new Map<string, string>());
  const github = await withSmallGithub(t, 'keeper/fleet', heads);
  const gitlab = await withSmallGitlab(t, 'keeper/fleet', heads);
  const tokenFile = join(folder, 'token');
  const said = async (kind: ForgeKind, token: string, appId: string | null = null): Promise<string> => {
    await writeFile(tokenFile, token, { mode: 0o600 });
    const url = kind === 'github' ? github.url : gitlab.url;
    const findings = await checkForge({ kind, url, tokenFile, appId }, folder);
    return findings.map(({ level, found }) => `${level} ${found}`).join('\n');
  };

  const write = { contents: 'write', pull_requests: 'write', statuses: 'write' };
  github.tokens.set('ghp_public', { scopes: ['public_repo', 'gist'] });
  github.tokens.set('github_pat_all', { permissions: write });
  github.tokens.set('github_pat_some', { permissions: { ...write, statuses: 'read' } });
  github.tokens.set('ghs_job', { permissions: write });
  assert.match(await said('github', 'ghp_nobody'), /^fail .*does not accept it \(HTTP 401\)$/);
  assert.match(await said('github', 'ghp_swordfish'), /^ok .*accepts it for keeper\/fleet; its account may push/);
  assert.match(await said('github', 'ghp_public'), /^fail needs the scope repo, and has public_repo, gist$/m);
  assert.match(await said('github', 'github_pat_all'), /^ok [^\n]*$/);
  assert.equal(await said('github', 'github_pat_some'), 'fail may not set commit statuses: it needs statuses=write');
  assert.match(
    await said('github', 'ghs_job'),
    /^ok .*\nwarn is one that lasts an hour: of a CI job, whose pull requests start no CI/,
  );
  assert.deepEqual([github.pulls, github.statuses], [[], []], 'asking changes nothing');

  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  assert.match(await said('github', key, '123456'), /^fail .*does not accept the App/);
  github.app.publicKey = publicKey;
  assert.match(await said('github', key, '123456'), /^fail the App is not installed for keeper\/fleet \(HTTP 404\)$/);
  github.app.installed = { pull_requests: 'write' };
  assert.equal(await said('github', key, '123456'), 'fail the App may not write statuses');
  github.app.installed = { pull_requests: 'write', statuses: 'write', contents: 'read' };
  assert.match(
    await said('github', key, '123456'),
    /^ok .*has the App installed for keeper\/fleet\nwarn without the permission contents \(write\) it cannot merge.*\nwarn .*checks \(read\) it cannot see checks/,
  );
  github.app.installed = { ...write, checks: 'read' };
  assert.match(await said('github', key, '123456'), /^ok .*installed for keeper\/fleet, with all permissions$/);
  assert.match(await said('github', 'no key', '123456'), /^fail .*holds no private RSA key/);

  gitlab.tokens.set('glpat-read', ['read_api', 'read_repository']);
  assert.match(await said('gitlab', 'glpat-swordfish'), /^ok .*accepts it for keeper\/fleet/);
  assert.match(await said('gitlab', 'glpat-read'), /^fail needs the scope api, and has read_api, read_repository$/m);
  assert.match(await said('gitlab', 'glcbt-64_x'), /^fail is the token of a CI job, which may open no merge requests$/);
  gitlab.setLevel(20);
  assert.match(await said('gitlab', 'glpat-swordfish'), /^fail its account may not push to keeper\/fleet$/);
});

test('a token is told by how it is written, and by its last day', () => {
  assert.equal(jobTokenWords('gitlab', 'abc', 'abc')?.isRefused, true);
  assert.equal(jobTokenWords('gitlab', 'abc', null), null);
  assert.equal(jobTokenWords('gitea', 'ghs_x', 'ghs_x'), null);
  const now = Date.parse('2027-01-20T12:00:00Z');
  assert.equal(daysLeft('2027-01-31 10:00:00 UTC', now), 10);
  assert.equal(daysLeft('2027-01-31', now), 10);
  assert.equal(daysLeft(null, now), null);
});
