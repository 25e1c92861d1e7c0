import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { forges } from '../../model/forge/index.js';
import { FORGE_KINDS, type ForgeKind } from '../../model/forge/kinds.js';
import type { MergeMethod } from '../../model/forge/merging.js';
import type { ForgeOptions, Repository } from '../../model/run/options.js';
import { forgeRemote } from './forge-remote.js';
import { withForgeProxy } from './forge-proxy.js';
import { added, type Disturbances, type Json, type Which } from './forge-server.js';
import { commitFiles, git } from './git.js';
import { assertAsDescribed } from './github-description.js';
import { giteaMissing, withGitea } from './gitea.js';
import { until } from './lockkeeper.js';
import { repositoryAt } from './repository.js';
import { withFolder, type Scope } from './scope.js';
import { withSmallGithub, type SmallGithub } from './small-github.js';
import { withSmallGitlab } from './small-gitlab.js';

/** A forge with one repository, and what a person does and sees there. */
export interface ForgeWorld {
  readonly forge: ForgeOptions & { readonly tokenFile: string };
  /** Pushes a commit onto a branch, which is made where it is missing, and gives it. @param begins anew where main is */
  push(branch: string, begins?: boolean): Promise<string>;
  /** Oldest first. */
  requests(): Promise<readonly ShownRequest[]>;
  comments(number: number): Promise<readonly string[]>;
  /** Each with its state in the forge's words and the address behind it, sorted. */
  statuses(commit: string): Promise<readonly string[]>;
  setState(number: number, state: 'open' | 'closed'): Promise<void>;
  /** Marks a draft as ready. */
  setReady(number: number): Promise<void>;
  /** What becomes of its main branch. */
  readonly repository: Repository;
  main(): Promise<string>;
  /** Moves one branch, which is made where it is missing, to where another is, as a person does with Git. */
  pushTo(into: string, branch: string): Promise<void>;
  /** Has a request be about another branch than main. */
  setBase(number: number, into: string): Promise<void>;
  /** Lets main be merged into only when statuses `lockkeeper` and `ci/test` are good; GitLab, when all that there are. */
  protect(): Promise<void>;
  /** Then has it require an approving review too, or no more. */
  requireReview(isOn: boolean): Promise<void>;
  /** A status that somebody else sets. */
  setStatus(commit: string, context: string, state: 'pending' | 'success'): Promise<void>;
  /** Ways in which the repository lets requests be merged; not all forges have all. */
  allow(methods: readonly MergeMethod[]): Promise<void>;
  /** Two people: `ann`, who may push, and `eve`, who may only read. */
  readonly as: (account: 'ann' | 'eve') => Person;
  /** Tokens that may read and not write all that is needed. */
  narrowTokens(): Promise<readonly string[]>;
  /** Labels of the repository itself, sorted. `nix` is one of its organization or group, where there are such. */
  labels(): Promise<readonly string[]>;
  /** Gives the repository another name, and tells it in full. */
  rename(): Promise<string>;
  readonly disturbances: Disturbances;
  /** `change` is that of the first request. */
  readonly calls: Readonly<Record<'open' | 'change' | 'comment' | 'merge', Which>>;
  /** What only a small server does when it is told to; missing of a real one. */
  readonly small?: {
    /** Opens so many requests for other branches, each newer than all before. */
    crowd(count: number): void;
    /** Opens another request for the branch of one, as a forge does that two runs ask at the same moment. */
    twin(number: number, body: string): number;
  };
  /** Holds what was asked and answered to the forge's own description of its API; missing where that is not to be had. */
  readonly check?: () => void;
}

export interface Person {
  comment(number: number, body: string): Promise<void>;
  approve(number: number, commit: string): Promise<void>;
  merge(number: number): Promise<void>;
  /** Has the forge merge it as soon as it may. */
  mergeLater(number: number): Promise<void>;
  close(number: number): Promise<void>;
}

export interface ShownRequest {
  readonly number: number;
  readonly isOpen: boolean;
  readonly title: string;
  readonly body: string;
  readonly labels: readonly string[];
  readonly assignees: readonly string[];
  /** Accounts, and teams as `ORGANIZATION/TEAM`. */
  readonly reviewers: readonly string[];
  readonly milestone: string | null;
  readonly isDraft: boolean;
}

/** How to begin a forge, and why it cannot be had. */
interface Beginning {
  readonly missing: string | false;
  readonly begin: (scope: Scope) => Promise<ForgeWorld>;
}

/** Each kind of forge. Gitea is a real one; it and GitLab are below a path of their servers. */
export const forgeWorlds: Readonly<Record<ForgeKind, Beginning>> = {
  gitea: { missing: giteaMissing, begin: giteaWorld },
  github: { missing: false, begin: (scope) => githubWorld(scope) },
  gitlab: { missing: false, begin: gitlabWorld },
};

/** These, and other ways to be let in. */
export const allWorlds: readonly (Beginning & { readonly name: string; readonly kind: ForgeKind })[] = [
  ...FORGE_KINDS.map((kind) => ({ name: forges[kind].label, kind, ...forgeWorlds[kind] })),
  { name: 'GitHub as an App', kind: 'github', missing: false, begin: githubAppWorld },
];

async function giteaWorld(scope: Scope): Promise<ForgeWorld> {
  const gitea = await withGitea(scope);
  const repository = 'keepers/fleet';
  const at = `/repos/${repository}`;
  await gitea.api('POST', '/orgs', { username: 'keepers' });
  await gitea.api('POST', '/orgs/keepers/repos', { name: 'fleet' });
  await gitea.api('POST', '/orgs/keepers/labels', { name: 'nix', color: '#5277c3' });
  for (const username of ['ann', 'bob', 'eve']) {
    const account = { username, email: `${username}@example.org`, password: 'correct horse battery' };
    await gitea.api('POST', '/admin/users', { ...account, must_change_password: false });
    if (username !== 'eve') await gitea.api('PUT', `${at}/collaborators/${username}`, { permission: 'write' });
  }
  const units_map = { 'repo.code': 'read', 'repo.pulls': 'write' };
  const { id: team } = await gitea.api<Json>('POST', '/orgs/keepers/teams', { name: 'night-shift', units_map });
  await gitea.api('PUT', `/teams/${String(team)}/repos/${repository}`);
  await gitea.api('POST', `${at}/milestones`, { title: '26.11' });
  const remote = gitea.gitUrl(repository);
  const { push, pushTo, folder } = await withClone(scope, remote);
  // It looks at what was pushed a little later.
  const isThere = async () => !(await gitea.api<{ readonly empty: boolean }>('GET', at)).empty;
  await until(isThere, 60_000, () => 'Gitea does not see what was pushed');
  const file = await tokenFile(scope, gitea.token);
  const proxy = await withForgeProxy(scope, gitea.url);
  const transport = { sshKeyFile: null, knownHostsFile: null, httpsTokenFile: file };
  return {
    forge: { kind: 'gitea', url: proxy.url, repository, tokenFile: file },
    disturbances: proxy.disturbances,
    calls: {
      ...{ open: ['POST', '/pulls'], change: ['PATCH', '/pulls/1'] },
      ...{ comment: ['POST', '/comments'], merge: ['POST', '/merge'] },
    },
    push,
    pushTo,
    repository: repositoryAt(`${gitea.url}/${repository}.git`, { transport }),
    main: async () => (await git(folder, 'ls-remote', remote, 'refs/heads/main')).split('\t')[0] ?? '',
    protect: async () => {
      const rule = { rule_name: 'main', enable_push: true, enable_status_check: true };
      const status_check_contexts = ['lockkeeper*', 'ci/test'];
      await gitea.api('POST', `${at}/branch_protections`, { ...rule, status_check_contexts });
    },
    requireReview: async (isOn) => {
      await gitea.api('PATCH', `${at}/branch_protections/main`, { required_approvals: isOn ? 1 : 0 });
    },
    setStatus: async (commit, context, state) => {
      await gitea.api('POST', `${at}/statuses/${commit}`, { state, context, description: 'of others' });
    },
    allow: async (methods) => {
      const has = (method: MergeMethod): boolean => methods.includes(method);
      await gitea.api('PATCH', at, {
        ...{ allow_merge_commits: has('merge'), allow_rebase: has('rebase'), allow_squash_merge: has('squash') },
        ...{ allow_rebase_explicit: false, allow_fast_forward_only_merge: has('fast-forward') },
        default_merge_style: has('merge') ? 'merge' : methods[0],
      });
    },
    as: (account) => {
      const post = async (path: string, body: object, method = 'POST'): Promise<void> => {
        await gitea.api(method, `${at}${path}?sudo=${account}`, body);
      };
      return {
        comment: (number, body) => post(`/issues/${number}/comments`, { body }),
        approve: (number, commit_id) => post(`/pulls/${number}/reviews`, { event: 'APPROVED', body: '', commit_id }),
        // It looks for conflicts first.
        merge: (number) =>
          until(
            () =>
              post(`/pulls/${number}/merge`, { do: 'merge' }).then(
                () => true,
                () => false,
              ),
            60_000,
            () => 'not merged',
          ).then(() => undefined),
        mergeLater: (number) => post(`/pulls/${number}/merge`, { do: 'squash', merge_when_checks_succeed: true }),
        close: (number) => post(`/pulls/${number}`, { state: 'closed' }, 'PATCH'),
      };
    },
    requests: async () => {
      // Its list leaves teams out.
      const all = await gitea.api<readonly Json[]>('GET', `${at}/pulls?state=all`);
      const one = (number: unknown) => gitea.api<Json>('GET', `${at}/pulls/${Number(number)}`);
      return (await Promise.all(all.map(({ number }) => one(number)))).map(shown).toSorted(byNumber);
    },
    comments: async (number) =>
      (await gitea.api<readonly Json[]>('GET', `${at}/issues/${number}/comments`)).map(({ body }) => String(body)),
    statuses: async (commit) =>
      (await gitea.api<readonly Json[]>('GET', `${at}/statuses/${commit}`))
        .map(({ context, status, target_url: page }) => [context, status, page].join(' ').trim())
        .sort(),
    setState: async (number, state) => {
      await gitea.api('PATCH', `${at}/pulls/${number}`, { state });
    },
    setBase: async (number, base) => {
      await gitea.api('PATCH', `${at}/pulls/${number}`, { base });
    },
    setReady: async (number) => {
      const { title } = await gitea.api<Json>('GET', `${at}/pulls/${number}`);
      await gitea.api('PATCH', `${at}/pulls/${number}`, { title: String(title).replace(/^WIP: /, '') });
    },
    narrowTokens: async () => [
      await gitea.addToken('read:repository,read:issue'),
      // What may not comment.
      await gitea.addToken('write:repository,read:issue'),
    ],
    labels: async () =>
      (await gitea.api<readonly Json[]>('GET', `${at}/labels`)).map(({ name }) => String(name)).sort(),
    rename: async () => {
      await gitea.api('PATCH', at, { name: 'renamed' });
      return 'keepers/renamed';
    },
  };
}

/** It has no token of its own, but a key that it gets tokens with. */
async function githubAppWorld(scope: Scope): Promise<ForgeWorld> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  const { forge, ...world } = await githubWorld(scope, ({ app, tokens }) => {
    const installed = { contents: 'write', pull_requests: 'write', statuses: 'write', checks: 'read' };
    Object.assign(app, { publicKey, installed });
    tokens.clear();
  });
  await writeFile(forge.tokenFile, key);
  return { ...world, forge: { ...forge, appId: '123456' }, narrowTokens: () => Promise.resolve([]) };
}

async function githubWorld(
  scope: Scope,
  prepare: (github: SmallGithub) => void = () => undefined,
): Promise<ForgeWorld> {
  const { push, pushTo, heads, mergeInto, remote } = await withRemote(scope);
  const repository = 'keepers/fleet';
  const github = await withSmallGithub(scope, repository, heads, mergeInto);
  const [token = ''] = github.tokens.keys();
  prepare(github);
  github.accounts.set('ann', 'write').set('eve', 'read');
  return {
    forge: { kind: 'github', url: github.url, repository, tokenFile: await tokenFile(scope, token) },
    disturbances: github.disturbances,
    calls: {
      ...{ open: ['POST', '/pulls'], change: ['PATCH', '/pulls/1'] },
      ...{ comment: ['POST', '/comments'], merge: ['PUT', '/merge'] },
    },
    push,
    pushTo,
    repository: repositoryAt(remote),
    main: async () => (await heads()).get('main') ?? '',
    protect: () => {
      Object.assign(github.required, { byProtection: ['ci/test'], byRules: ['lockkeeper'] });
      return Promise.resolve();
    },
    requireReview: (isOn) => {
      github.required.review = isOn;
      return Promise.resolve();
    },
    // As GitHub Actions does, whose checks are no statuses.
    setStatus: async (commit, name, state) => {
      const end =
        state === 'pending' ? { status: 'queued', conclusion: null } : { status: 'completed', conclusion: state };
      const known = github.checkRuns.find((run) => run.head_sha === commit && run.name === name);
      Object.assign(known ?? added(github.checkRuns, { head_sha: commit, name }), end);
      await github.settle();
    },
    allow: (methods) => {
      const has = (method: MergeMethod): boolean => methods.includes(method);
      // Moving the branch is nothing that it allows or not.
      Object.assign(github.settings, {
        ...{
          allow_merge_commit: has('merge') || has('fast-forward'),
          allow_squash_merge: has('squash'),
          allow_rebase_merge: has('rebase'),
        },
      });
      return Promise.resolve();
    },
    as: (account) => ({
      comment: (number, body) => {
        added(github.comments, { of: String(number), body, user: { login: account } });
        return Promise.resolve();
      },
      approve: (number, commit_id) => {
        added(github.reviews, { of: number, user: { login: account }, state: 'APPROVED', body: '', commit_id });
        return Promise.resolve();
      },
      merge: async (number) => {
        assert.equal(await github.merge(number, 'merge', account), null);
      },
      mergeLater: (number) => {
        github.mergeLater(number, 'squash', account);
        return Promise.resolve();
      },
      close: (number) => {
        github.close(number, account);
        return Promise.resolve();
      },
    }),
    requests: () => Promise.resolve(github.pulls.map(shown)),
    comments: (of) => Promise.resolve(github.comments.filter((each) => each.of === String(of)).map(bodyOf)),
    statuses: (commit) =>
      Promise.resolve(
        github.statuses
          .filter(({ of }) => of === commit)
          .map(({ context, state, target_url: page }) => [context, state, page].join(' ').trim())
          .sort(),
      ),
    setState: (number, state) => {
      Object.assign(github.pulls[number - 1] ?? {}, { state });
      return Promise.resolve();
    },
    setBase: (number, ref) => {
      const pull = github.pulls[number - 1] ?? {};
      Object.assign(pull, { base: { ...(pull.base as Json), ref } });
      return Promise.resolve();
    },
    setReady: (number) => {
      Object.assign(github.pulls[number - 1] ?? {}, { draft: false });
      return Promise.resolve();
    },
    narrowTokens: () => {
      github.tokens.set('github_pat_narrow', { permissions: { contents: 'read', pull_requests: 'read' } });
      return Promise.resolve(['github_pat_narrow']);
    },
    labels: () => Promise.resolve(['bot: update', 'nix']),
    rename: () => {
      github.move('keepers/renamed');
      return Promise.resolve('keepers/renamed');
    },
    small: {
      twin: (of, body) => {
        const number = github.pulls.length + 1;
        github.pulls.push({ ...github.pulls[of - 1], id: 9000 + number, number, body });
        return number;
      },
      crowd: (count) => {
        const [example] = github.pulls;
        for (let made = 0; made < count; made += 1) {
          const number = github.pulls.length + 1;
          const head = { ...(example?.head as Json), ref: `feature-${number}` };
          github.pulls.push({ ...example, id: 9000 + number, number, state: 'open', head });
        }
      },
    },
    check: () => {
      assertAsDescribed(github.talk);
    },
  };
}

async function gitlabWorld(scope: Scope): Promise<ForgeWorld> {
  const { push, pushTo, heads, mergeInto, remote } = await withRemote(scope);
  const repository = 'keepers/night/fleet';
  const gitlab = await withSmallGitlab(scope, repository, heads, '/lab', mergeInto);
  const [token = ''] = gitlab.tokens.keys();
  for (const [username, access_level] of [
    ['annette', 30],
    ['ann', 30],
    ['bob', 30],
    ['eve', 20],
  ] as const)
    added(gitlab.members, { username, access_level, state: 'active' });
  return {
    forge: { kind: 'gitlab', url: gitlab.url, repository, tokenFile: await tokenFile(scope, token) },
    disturbances: gitlab.disturbances,
    calls: {
      ...{ open: ['POST', '/merge_requests'], change: ['PUT', '/merge_requests/1'] },
      ...{ comment: ['POST', '/notes'], merge: ['PUT', '/merge'] },
    },
    push,
    pushTo,
    repository: repositoryAt(remote),
    main: async () => (await heads()).get('main') ?? '',
    protect: () => {
      gitlab.settings.only_allow_merge_if_pipeline_succeeds = true;
      return Promise.resolve();
    },
    requireReview: (isOn) => {
      gitlab.settings.approvals_before_merge = isOn ? 1 : 0;
      return Promise.resolve();
    },
    setStatus: async (commit, name, state) => {
      added(gitlab.statuses, { sha: commit, name, status: state, description: 'of others', target_url: null });
      await gitlab.settle();
    },
    allow: (methods) => {
      const squash = methods.includes('squash') ? (methods.length === 1 ? 'always' : 'default_off') : 'never';
      Object.assign(gitlab.settings, {
        squash_option: squash,
        merge_method: methods.includes('merge') ? 'merge' : 'ff',
      });
      return Promise.resolve();
    },
    as: (account) => ({
      comment: (number, body) => gitlab.comment(number, account, body),
      approve: (number) => gitlab.approve(number, account),
      merge: async (number) => {
        assert.equal(await gitlab.merge(number, account), null);
      },
      mergeLater: (number) => {
        gitlab.mergeLater(number, account);
        return Promise.resolve();
      },
      close: (number) => {
        gitlab.close(number, account);
        return Promise.resolve();
      },
    }),
    requests: () =>
      Promise.resolve(
        gitlab.requests.map(({ iid, state, title, description, labels, assignees, reviewers, milestone, draft }) => ({
          ...{ number: Number(iid), isOpen: state === 'opened', title: String(title), body: String(description) },
          labels: (labels as readonly string[]).toSorted(),
          ...{ assignees: usernames(assignees), reviewers: usernames(reviewers) },
          ...{ milestone: titleOf(milestone), isDraft: draft === true },
        })),
      ),
    comments: (of) => Promise.resolve(gitlab.notes.filter((each) => each.noteable_iid === of).map(bodyOf)),
    statuses: (commit) =>
      Promise.resolve(
        gitlab.statuses
          .filter(({ sha }) => sha === commit)
          .map(({ name, status, target_url: page }) => [name, status, page].join(' ').trim())
          .sort(),
      ),
    setState: (number, state) => {
      Object.assign(gitlab.requests[number - 1] ?? {}, { state: state === 'open' ? 'opened' : state });
      return Promise.resolve();
    },
    setBase: (number, target_branch) => {
      Object.assign(gitlab.requests[number - 1] ?? {}, { target_branch });
      return Promise.resolve();
    },
    setReady: (number) => {
      const request = gitlab.requests[number - 1] ?? {};
      Object.assign(request, { draft: false, title: String(request.title).replace(/^Draft: /, '') });
      return Promise.resolve();
    },
    narrowTokens: () => {
      gitlab.tokens.set('glpat-narrow', ['read_api']);
      return Promise.resolve(['glpat-narrow']);
    },
    labels: () => Promise.resolve(gitlab.made.toSorted()),
    rename: () => {
      gitlab.move('keepers/day/fleet');
      return Promise.resolve('keepers/day/fleet');
    },
    small: {
      twin: (of, body) => {
        const iid = gitlab.requests.length + 1;
        gitlab.requests.push({ ...gitlab.requests[of - 1], id: 9000 + iid, iid, description: body });
        return iid;
      },
      crowd: (count) => {
        const [example] = gitlab.requests;
        for (let made = 0; made < count; made += 1) {
          const iid = gitlab.requests.length + 1;
          const source = { source_branch: `feature-${iid}` };
          gitlab.requests.push({ ...example, id: 9000 + iid, iid, state: 'opened', ...source });
        }
      },
    },
  };
}

/** A bare repository of this machine, which the small servers know of. */
async function withRemote(scope: Scope) {
  const remote = path.join(await withFolder(scope), 'remote.git');
  await git('.', 'init', '--quiet', '--bare', '--initial-branch=main', remote);
  return { ...(await withClone(scope, remote)), ...forgeRemote(remote), remote };
}

/** A clone of a repository, which gets its first commit. */
async function withClone(scope: Scope, url: string) {
  const clone = path.join(await withFolder(scope), 'clone');
  await git('.', 'init', '--quiet', '--initial-branch=main', clone);
  await git(clone, 'remote', 'add', 'origin', url);
  await commitFiles(clone, { 'flake.lock': '{}\n' }, 'First');
  await git(clone, 'push', '--quiet', 'origin', 'main');
  let commits = 0;
  const push = async (branch: string, begins = false): Promise<string> => {
    if (begins) {
      await git(clone, 'fetch', '--quiet', 'origin');
      await git(clone, 'switch', '--quiet', '--detach', 'origin/main');
    }
    const commit = await commitFiles(clone, { 'flake.lock': `{"n":${commits++}}\n` }, `Update ${branch}`);
    await git(clone, 'push', '--quiet', '--force', 'origin', `HEAD:refs/heads/${branch}`);
    return commit;
  };
  const pushTo = async (into: string, branch: string): Promise<void> => {
    await git(clone, 'fetch', '--quiet', 'origin');
    await git(clone, 'push', '--quiet', 'origin', `origin/${branch}:refs/heads/${into}`);
  };
  return { push, pushTo, folder: clone };
}

async function tokenFile(scope: Scope, token: string): Promise<string> {
  const file = path.join(await withFolder(scope), 'token');
  await writeFile(file, token, { mode: 0o600 });
  return file;
}

const shown = (json: Json): ShownRequest => ({
  number: Number(json.number),
  isOpen: json.state === 'open',
  title: String(json.title),
  body: String(json.body),
  labels: namesIn(json.labels, 'name'),
  assignees: namesIn(json.assignees, 'login'),
  reviewers: [
    ...namesIn(json.requested_reviewers, 'login'),
    ...[...namesIn(json.requested_reviewers_teams, 'name'), ...namesIn(json.requested_teams, 'slug')].map(
      (team) => `keepers/${team}`,
    ),
  ],
  milestone: titleOf(json.milestone),
  isDraft: json.draft === true,
});
const namesIn = (list: unknown, field: string): readonly string[] =>
  ((list ?? []) as readonly Json[]).map((each) => String(each[field])).sort();
const usernames = (list: unknown): readonly string[] => namesIn(list, 'username');
const titleOf = (milestone: unknown): string | null => (milestone as { readonly title: string } | null)?.title ?? null;
const byNumber = (one: ShownRequest, other: ShownRequest): number => one.number - other.number;
const bodyOf = ({ body }: Json): string => String(body);
