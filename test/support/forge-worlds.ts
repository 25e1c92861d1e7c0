import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ForgeKind } from '../../model/forge/kinds.js';
import type { MergeMethod } from '../../model/forge/merging.js';
import type { ForgeOptions, Repository } from '../../model/run/options.js';
import { forgeRemote } from './forge-remote.js';
import { added, type Json } from './forge-server.js';
import { commitFiles, git } from './git.js';
import { assertAsDescribed } from './github-description.js';
import { giteaMissing, withGitea } from './gitea.js';
import { until } from './lockkeeper.js';
import { repositoryAt } from './repository.js';
import { withFolder, type Scope } from './scope.js';
import { withSmallGithub } from './small-github.js';
import { withSmallGitlab } from './small-gitlab.js';

/** A forge with one repository, and what a person does and sees there. */
export interface ForgeWorld {
  readonly forge: ForgeOptions & { readonly tokenFile: string };
  /** Pushes a commit onto a branch, which is made where it is missing, and gives it. @param begins anew where main is */
  push(branch: string, begins?: boolean): Promise<string>;
  /** Oldest first. */
  requests(): Promise<readonly ShownRequest[]>;
  comments(number: number): Promise<readonly string[]>;
  /** Each with its state in the forge's words, sorted. */
  statuses(commit: string): Promise<readonly string[]>;
  setState(number: number, state: 'open' | 'closed'): Promise<void>;
  /** What becomes of its main branch. */
  readonly repository: Repository;
  main(): Promise<string>;
  /** Moves main to where a branch is, as a person does with Git. */
  pushMain(branch: string): Promise<void>;
  /** Lets main be merged into only when statuses `lockkeeper` and `ci/test` are good; GitLab, when all that there are. */
  protect(): Promise<void>;
  /** A status that somebody else sets. */
  setStatus(commit: string, context: string, state: 'pending' | 'success'): Promise<void>;
  /** Ways in which the repository lets requests be merged; not all forges have all. */
  allow(methods: readonly MergeMethod[]): Promise<void>;
  /** Two people: `ann`, who may push, and `eve`, who may only read. */
  readonly as: (account: 'ann' | 'eve') => Person;
  /** A token that may read and not write. */
  narrowToken(): Promise<string>;
  /** Gives the repository another name, and tells it in full. */
  rename(): Promise<string>;
  /** What only a small server does when it is told to; missing of a real one. */
  readonly small?: {
    /** Opens a request, and breaks off instead of saying so. */
    loseOpening(): void;
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
  close(number: number): Promise<void>;
}

export interface ShownRequest {
  readonly number: number;
  readonly isOpen: boolean;
  readonly title: string;
  readonly body: string;
  readonly labels: readonly string[];
}

/** How to begin each kind of forge, and why it cannot be had; Gitea is a real one. */
export const forgeWorlds: Readonly<
  Record<ForgeKind, { readonly missing: string | false; readonly begin: (scope: Scope) => Promise<ForgeWorld> }>
> = {
  gitea: { missing: giteaMissing, begin: giteaWorld },
  github: { missing: false, begin: githubWorld },
  gitlab: { missing: false, begin: gitlabWorld },
};

async function giteaWorld(scope: Scope): Promise<ForgeWorld> {
  const gitea = await withGitea(scope);
  await gitea.api('POST', '/user/repos', { name: 'fleet' });
  const remote = gitea.gitUrl('fleet');
  const { push, pushMain, folder } = await withClone(scope, remote);
  const repository = `${gitea.owner}/fleet`;
  const at = `/repos/${repository}`;
  // It looks at what was pushed a little later.
  const isThere = async () => !(await gitea.api<{ readonly empty: boolean }>('GET', at)).empty;
  await until(isThere, 60_000, () => 'Gitea does not see what was pushed');
  for (const username of ['ann', 'eve'])
    await gitea.api('POST', '/admin/users', {
      ...{ username, email: `${username}@example.org`, password: 'correct horse battery' },
      must_change_password: false,
    });
  await gitea.api('PUT', `${at}/collaborators/ann`, { permission: 'write' });
  const file = await tokenFile(scope, gitea.token);
  const transport = { sshKeyFile: null, knownHostsFile: null, httpsTokenFile: file };
  return {
    forge: { kind: 'gitea', url: gitea.url, repository, tokenFile: file },
    push,
    pushMain,
    repository: repositoryAt(`${gitea.url}/${repository}.git`, { transport }),
    main: async () => (await git(folder, 'ls-remote', remote, 'refs/heads/main')).split('\t')[0] ?? '',
    protect: async () => {
      const rule = { rule_name: 'main', enable_push: true, enable_status_check: true };
      const status_check_contexts = ['lockkeeper*', 'ci/test'];
      await gitea.api('POST', `${at}/branch_protections`, { ...rule, status_check_contexts });
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
        close: (number) => post(`/pulls/${number}`, { state: 'closed' }, 'PATCH'),
      };
    },
    requests: async () =>
      (await gitea.api<readonly Json[]>('GET', `${at}/pulls?state=all`)).map(shown).toSorted(byNumber),
    comments: async (number) =>
      (await gitea.api<readonly Json[]>('GET', `${at}/issues/${number}/comments`)).map(({ body }) => String(body)),
    statuses: async (commit) =>
      (await gitea.api<readonly Json[]>('GET', `${at}/statuses/${commit}`))
        .map(({ context, status }) => `${String(context)} ${String(status)}`)
        .sort(),
    setState: async (number, state) => {
      await gitea.api('PATCH', `${at}/pulls/${number}`, { state });
    },
    narrowToken: () => gitea.addToken('read:repository,read:issue'),
    rename: async () => {
      await gitea.api('PATCH', at, { name: 'renamed' });
      return `${gitea.owner}/renamed`;
    },
  };
}

async function githubWorld(scope: Scope): Promise<ForgeWorld> {
  const { push, pushMain, heads, mergeInto, remote } = await withRemote(scope);
  const repository = 'keeper/fleet';
  const github = await withSmallGithub(scope, repository, heads, mergeInto);
  const [token = ''] = github.tokens.keys();
  github.accounts.set('ann', 'write').set('eve', 'read');
  return {
    forge: { kind: 'github', url: github.url, repository, tokenFile: await tokenFile(scope, token) },
    push,
    pushMain,
    repository: repositoryAt(remote),
    main: async () => (await heads()).get('main') ?? '',
    protect: () => {
      Object.assign(github.required, { byProtection: ['ci/test'], byRules: ['lockkeeper'] });
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
          .map(({ context, state }) => `${String(context)} ${String(state)}`)
          .sort(),
      ),
    setState: (number, state) => {
      Object.assign(github.pulls[number - 1] ?? {}, { state });
      return Promise.resolve();
    },
    narrowToken: () => {
      github.tokens.set('github_pat_narrow', { permissions: { contents: 'read', pull_requests: 'read' } });
      return Promise.resolve('github_pat_narrow');
    },
    rename: () => {
      github.move('keeper/renamed');
      return Promise.resolve('keeper/renamed');
    },
    small: {
      loseOpening: () => {
        github.loseAnswer('POST', '/pulls');
      },
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
  const { push, pushMain, heads, mergeInto, remote } = await withRemote(scope);
  const repository = 'keepers/night/fleet';
  const gitlab = await withSmallGitlab(scope, repository, heads, '/lab', mergeInto);
  const [token = ''] = gitlab.tokens.keys();
  added(gitlab.members, { username: 'ann', access_level: 30, state: 'active' });
  added(gitlab.members, { username: 'eve', access_level: 20, state: 'active' });
  return {
    forge: { kind: 'gitlab', url: gitlab.url, repository, tokenFile: await tokenFile(scope, token) },
    push,
    pushMain,
    repository: repositoryAt(remote),
    main: async () => (await heads()).get('main') ?? '',
    protect: () => {
      gitlab.settings.only_allow_merge_if_pipeline_succeeds = true;
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
      close: (number) => {
        gitlab.close(number, account);
        return Promise.resolve();
      },
    }),
    requests: () =>
      Promise.resolve(
        gitlab.requests.map(({ iid, state, title, description, labels }) => ({
          ...{ number: Number(iid), isOpen: state === 'opened', title: String(title), body: String(description) },
          labels: (labels as readonly string[]).toSorted(),
        })),
      ),
    comments: (of) => Promise.resolve(gitlab.notes.filter((each) => each.noteable_iid === of).map(bodyOf)),
    statuses: (commit) =>
      Promise.resolve(
        gitlab.statuses
          .filter(({ sha }) => sha === commit)
          .map(({ name, status }) => `${String(name)} ${String(status)}`)
          .sort(),
      ),
    setState: (number, state) => {
      Object.assign(gitlab.requests[number - 1] ?? {}, { state: state === 'open' ? 'opened' : state });
      return Promise.resolve();
    },
    narrowToken: () => {
      gitlab.tokens.set('glpat-narrow', ['read_api']);
      return Promise.resolve('glpat-narrow');
    },
    rename: () => {
      gitlab.move('keepers/day/fleet');
      return Promise.resolve('keepers/day/fleet');
    },
    small: {
      loseOpening: () => {
        gitlab.loseAnswer('POST', '/merge_requests');
      },
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
  const pushMain = async (branch: string): Promise<void> => {
    await git(clone, 'fetch', '--quiet', 'origin');
    await git(clone, 'push', '--quiet', 'origin', `origin/${branch}:refs/heads/main`);
  };
  return { push, pushMain, folder: clone };
}

async function tokenFile(scope: Scope, token: string): Promise<string> {
  const file = path.join(await withFolder(scope), 'token');
  await writeFile(file, token, { mode: 0o600 });
  return file;
}

const shown = ({ number, state, title, body, labels }: Json): ShownRequest => ({
  ...{ number: Number(number), isOpen: state === 'open', title: String(title), body: String(body) },
  labels: (labels as readonly { readonly name: string }[]).map(({ name }) => name).sort(),
});
const byNumber = (one: ShownRequest, other: ShownRequest): number => one.number - other.number;
const bodyOf = ({ body }: Json): string => String(body);
