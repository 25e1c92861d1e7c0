import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ForgeKind } from '../../model/forge/kinds.js';
import type { ForgeOptions } from '../../model/run/options.js';
import { commitFiles, git } from './git.js';
import { assertAsDescribed } from './github-description.js';
import { giteaMissing, withGitea } from './gitea.js';
import { until } from './lockkeeper.js';
import { withFolder, type Scope } from './scope.js';
import { withSmallGithub } from './small-github.js';
import { withSmallGitlab } from './small-gitlab.js';
import type { Json } from './forge-server.js';

/** A forge with one repository, and what a person does and sees there. */
export interface ForgeWorld {
  readonly forge: ForgeOptions & { readonly tokenFile: string };
  /** Pushes a commit onto a branch, which is made where it is missing, and gives it. */
  push(branch: string): Promise<string>;
  /** Oldest first. */
  requests(): Promise<readonly ShownRequest[]>;
  comments(number: number): Promise<readonly string[]>;
  /** Each with its state in the forge's words, sorted. */
  statuses(commit: string): Promise<readonly string[]>;
  setState(number: number, state: 'open' | 'closed'): Promise<void>;
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
  };
  /** Holds what was asked and answered to the forge's own description of its API; missing where that is not to be had. */
  readonly check?: () => void;
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
  const { push } = await withClone(scope, gitea.gitUrl('fleet'));
  const repository = `${gitea.owner}/fleet`;
  const at = `/repos/${repository}`;
  // It looks at what was pushed a little later.
  const isThere = async () => !(await gitea.api<{ readonly empty: boolean }>('GET', at)).empty;
  await until(isThere, 60_000, () => 'Gitea does not see what was pushed');
  return {
    forge: { kind: 'gitea', url: gitea.url, repository, tokenFile: await tokenFile(scope, gitea.token) },
    push,
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
  const { push, heads } = await withRemote(scope);
  const repository = 'keeper/fleet';
  const github = await withSmallGithub(scope, repository, heads);
  const [token = ''] = github.tokens.keys();
  return {
    forge: { kind: 'github', url: github.url, repository, tokenFile: await tokenFile(scope, token) },
    push,
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
  const { push, heads } = await withRemote(scope);
  const repository = 'keepers/night/fleet';
  const gitlab = await withSmallGitlab(scope, repository, heads, '/lab');
  const [token = ''] = gitlab.tokens.keys();
  return {
    forge: { kind: 'gitlab', url: gitlab.url, repository, tokenFile: await tokenFile(scope, token) },
    push,
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
  const heads = async (): Promise<ReadonlyMap<string, string>> => {
    const found = await git(remote, 'for-each-ref', '--format=%(refname:short) %(objectname)', 'refs/heads/');
    return new Map(found.split('\n').map((line) => line.split(' ') as [string, string]));
  };
  return { ...(await withClone(scope, remote)), heads };
}

/** A clone of a repository, which gets its first commit. */
async function withClone(scope: Scope, url: string) {
  const clone = path.join(await withFolder(scope), 'clone');
  await git('.', 'init', '--quiet', '--initial-branch=main', clone);
  await git(clone, 'remote', 'add', 'origin', url);
  await commitFiles(clone, { 'flake.lock': '{}\n' }, 'First');
  await git(clone, 'push', '--quiet', 'origin', 'main');
  let commits = 0;
  const push = async (branch: string): Promise<string> => {
    const commit = await commitFiles(clone, { 'flake.lock': `{"n":${commits++}}\n` }, `Update ${branch}`);
    await git(clone, 'push', '--quiet', '--force', 'origin', `HEAD:refs/heads/${branch}`);
    return commit;
  };
  return { push };
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
