import { splitUrl } from '../forge/hosts.js';
import type { Headers } from './signature.js';

export interface HookEvent {
  /** Addresses of the repository, in one spelling each: see `repositoryName`. */
  readonly repositories: readonly string[];
  /** The branch that was pushed to; `null` when it is about a pull request or a comment. */
  readonly branch: string | null;
}

/** Events of GitHub, Gitea and Forgejo that tell of a request: opened, merged, closed, reviewed, commented. */
const REQUEST_EVENT = /^(?:pull_request(?:_\w+)?|issue_comment)$/;
const GITLAB_REQUESTS: readonly string[] = ['Merge Request Hook', 'Note Hook'];

/**
 * Reads a webhook of GitHub, Gitea, Forgejo or GitLab; `null` when it tells nothing that somebody waits for.
 * @throws SyntaxError when the body is not what such a webhook has
 */
export function readHook(headers: Headers, body: string): HookEvent | null {
  const header = (name: string): string => {
    const value = headers[name];
    return typeof value === 'string' ? value : '';
  };
  const event = header('x-github-event') || header('x-gitea-event') || header('x-forgejo-event');
  const ofGitlab = header('x-gitlab-event');
  const isPush = event === 'push' || ofGitlab === 'Push Hook';
  if (!isPush && !REQUEST_EVENT.test(event) && !GITLAB_REQUESTS.includes(ofGitlab)) return null;
  const isForm = header('content-type').startsWith('application/x-www-form-urlencoded');
  const told = object(JSON.parse(isForm ? (new URLSearchParams(body).get('payload') ?? '') : body));
  const places = [object(told.repository), object(told.project)];
  const repositories = places
    .flatMap((place) => ADDRESSES.map((name) => place[name]))
    .flatMap((address) => (typeof address === 'string' ? (repositoryName(address) ?? []) : []));
  if (!isPush) return { repositories: [...new Set(repositories)], branch: null };
  const branch = typeof told.ref === 'string' ? /^refs\/heads\/(.+)$/s.exec(told.ref)?.[1] : undefined;
  return branch === undefined ? null : { repositories: [...new Set(repositories)], branch };
}

/** Where forges tell the address of a repository: GitHub's, Gitea's and Forgejo's names, and GitLab's. */
const ADDRESSES = ['clone_url', 'ssh_url', 'html_url', 'git_http_url', 'git_ssh_url', 'http_url', 'ssh_url', 'web_url'];

const object = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};

/** `git.example.org/me/fleet` in small letters, the same for all ways to reach it; `null` for no address of a host. */
export function repositoryName(address: string): string | null {
  const parts = splitUrl(address);
  if (parts === null || parts.path.length === 0) return null;
  const usual = parts.scheme === 'https' ? /:443$/ : /:80$/;
  const name = `${parts.host.replace(usual, '')}/${parts.path.join('/')}`;
  return name.toLowerCase().replace(/\.git$/, '');
}
