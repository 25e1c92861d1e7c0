import { verify, type KeyObject } from 'node:crypto';
import {
  added,
  pageOf,
  withForgeServer,
  type Answer,
  type Asked,
  type ForgeServer,
  type Json,
} from './forge-server.js';
import type { Heads, MergeInto } from './forge-remote.js';
import { githubFollowing, type GithubFollowing } from './github-following.js';
import type { Scope } from './scope.js';

/** What a token may do: the scopes of a classic one, or the permissions of a fine-grained one or an App's. */
export type Rights =
  { readonly scopes: readonly string[] } | { readonly permissions: Readonly<Record<string, string>> };

export interface SmallGithub extends ForgeServer, GithubFollowing {
  readonly repository: string;
  readonly tokens: Map<string, Rights>;
  readonly pulls: Json[];
  readonly comments: Json[];
  readonly statuses: Json[];
  /** An App that may do something in the repository, once `installed` says what; its own token is checked with the public key. */
  readonly app: { id: string; publicKey: KeyObject | null; installed: Readonly<Record<string, string>> | null };
  /** Gives the repository another name; the old one sends on to it. */
  move(name: string): void;
  /** What its owner pays for. */
  readonly plan: { hasDrafts: boolean };
}

const API = '/api/v3';
const ID = 4711;
const OWN = { id: ID };

/**
 * GitHub Enterprise Server in small: pull requests, issues' comments and labels, and statuses of one repository, as far as
 * Lockkeeper uses them. `github-description.ts` holds it to GitHub's OpenAPI description.
 */
export async function withSmallGithub(
  scope: Scope,
  repository: string,
  heads: Heads,
  mergeInto: MergeInto = () => Promise.resolve(null),
): Promise<SmallGithub> {
  const tokens = new Map<string, Rights>([['ghp_swordfish', { scopes: ['repo'] }]]);
  const [pulls, comments, statuses]: [Json[], Json[], Json[]] = [[], [], []];
  const names = [repository];
  const owner = 'keeper';
  const following = githubFollowing({ pulls, statuses, heads, mergeInto, owner });
  const plan = { hasDrafts: true };
  const app: SmallGithub['app'] = { id: '123456', publicKey: null, installed: null };

  const answerOf = async (asked: Asked, url: string): Promise<Answer> => {
    const ofApp = answerToApp(asked);
    if (ofApp !== null) return ofApp;
    const rights = tokens.get(asked.header('authorization').replace(/^Bearer /, ''));
    if (asked.header('user-agent') === '') return no(403, 'Request forbidden by administrative rules.');
    if (rights === undefined) return no(401, 'Bad credentials', { 'x-ratelimit-limit': '60' });
    if (asked.path === '/api/graphql') return await following.graphql(asked);
    const headers = 'scopes' in rights ? { 'x-oauth-scopes': rights.scopes.join(', ') } : {};
    const path = asked.path.slice(API.length);
    const known = [`/repositories/${ID}`, `/repos/${names.at(-1) ?? ''}`].find((each) => isBelow(path, each));
    const former = names.slice(0, -1).find((each) => isBelow(path, `/repos/${each}`));
    if (former !== undefined) {
      const search = asked.query.size === 0 ? '' : `?${asked.query.toString()}`;
      const location = `${url}${API}/repositories/${ID}${path.slice(`/repos/${former}`.length)}${search}`;
      return { status: 301, json: { message: 'Moved Permanently', url: location }, headers: { location } };
    }
    if (known === undefined || !asked.path.startsWith(`${API}/`)) return no(404, 'Not Found');
    const answer = await ofRepository(asked, path.slice(known.length), rights, url);
    return { ...answer, headers: { ...headers, ...answer.headers } };
  };

  /** What is asked with the App's own token. */
  const answerToApp = (asked: Asked): Answer | null => {
    const token = asked.header('authorization').replace(/^Bearer /, '');
    if (token.split('.').length !== 3) return null;
    const refusal = app.publicKey === null ? 'Integration not found' : faultOf(token, app.id, app.publicKey);
    if (refusal !== null) return no(401, refusal);
    const { installed: permissions } = app;
    if (permissions === null) return no(404, 'Not Found');
    const moved = names.slice(0, -1).some((each) => asked.path === `${API}/repos/${each}/installation`);
    if (moved) return { status: 301, json: {}, headers: { location: `${API}/repositories/${ID}/installation` } };
    const own = [`${API}/repos/${names.at(-1) ?? ''}/installation`, `${API}/repositories/${ID}/installation`];
    if (asked.method === 'GET' && own.includes(asked.path))
      return { status: 200, json: { id: 77, app_slug: 'lockkeeper', permissions, suspended_at: null } };
    if (asked.method !== 'POST' || asked.path !== `${API}/app/installations/77/access_tokens`)
      return no(404, 'Not Found');
    const { repositories, repository_ids: ids, permissions: wanted = {} } = asked.body;
    const isOwn = ids === undefined ? [repositories].flat()[0] === names.at(-1)?.split('/')[1] : [ids].flat()[0] === ID;
    if (!isOwn)
      return no(
        422,
        'There is at least one repository that does not exist or is not accessible to the parent installation.',
      );
    const given = wanted as Readonly<Record<string, string>>;
    const isGranted = ([name, level]: readonly [string, string]) => [level, 'write'].includes(permissions[name] ?? '');
    if (!Object.entries(given).every(isGranted))
      return no(422, 'The permissions requested are not granted to this installation.');
    const made = `ghs_installation${tokens.size}`;
    tokens.set(made, { permissions: given });
    const end = new Date(Date.now() + 3_600_000).toISOString();
    return {
      status: 201,
      json: { token: made, expires_at: end, permissions: given, repository_selection: 'selected' },
    };
  };

  const ofRepository = async (asked: Asked, path: string, rights: Rights, url: string): Promise<Answer> => {
    const [, what = '', id = '', below = ''] = path.split('/');
    const call = `${asked.method} ${what}${below === '' ? '' : `/${below}`}`;
    const pull = pulls.find(({ number }) => String(number) === id);
    const wanted = WANTED[call];
    if (wanted !== undefined && !wanted.some((each) => may(rights, each))) {
      const accepted = { 'x-accepted-github-permissions': wanted.map((each) => `${each}=write`).join('; ') };
      return 'scopes' in rights
        ? no(404, 'Not Found')
        : no(403, 'Resource not accessible by personal access token', accepted);
    }
    const followed = await following.answer(asked, path, url);
    if (followed !== null) return followed;
    switch (call) {
      case 'GET ': {
        const permissions = { admin: false, push: true, pull: true };
        const json = {
          ...OWN,
          full_name: names.at(-1),
          private: true,
          archived: false,
          has_pull_requests: true,
          permissions,
          ...following.settings,
        };
        return { status: 200, json };
      }
      case 'GET pulls': {
        if (id !== '') return pull === undefined ? no(404, 'Not Found') : { status: 200, json: pull };
        const state = asked.query.get('state') ?? 'open';
        const at = await heads();
        for (const each of pulls) follow(each, at);
        const found = pulls.filter((each) => state === 'all' || each.state === state);
        return pageOf(found.toReversed(), asked, url, 30);
      }
      case 'POST pulls':
        return opened(asked.body);
      case 'PATCH pulls':
        if (pull === undefined) return no(404, 'Not Found');
        if (tooLong(asked.body)) return tooLong(asked.body) ?? no(500, '');
        Object.assign(pull, asked.body);
        return { status: 200, json: pull };
      case 'GET issues/comments':
        return pageOf(comments.filter(({ of }) => of === id).map(withoutOf), asked, url, 30);
      case 'POST issues/comments':
        if (pull === undefined) return no(404, 'Not Found');
        return { status: 201, json: said(id, asked.body.body) };
      case 'POST issues/labels': {
        if (pull === undefined) return no(404, 'Not Found');
        const before = pull.labels as readonly { readonly name: string }[];
        const all = new Set([...before.map(({ name }) => name), ...(asked.body.labels as readonly string[])]);
        pull.labels = [...all].map((name, index) => ({ id: index + 1, name }));
        return { status: 200, json: pull.labels };
      }
      case 'POST issues/assignees': {
        if (pull === undefined) return no(404, 'Not Found');
        const known = (asked.body.assignees as readonly string[]).filter((each) => ACCOUNTS.includes(each));
        pull.assignees = accountsOf([...namesOf(pull.assignees), ...known]);
        return { status: 201, json: { number: pull.number, assignees: pull.assignees } };
      }
      case 'POST pulls/requested_reviewers': {
        if (pull === undefined) return no(404, 'Not Found');
        const { reviewers = [], team_reviewers: teams = [] } = asked.body as Readonly<Record<string, string[]>>;
        if (reviewers.includes('keeper')) return no(422, 'Review cannot be requested from pull request author.');
        if (reviewers.some((each) => !ACCOUNTS.includes(each)) || teams.some((each) => each !== TEAM))
          return no(
            422,
            `Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the ${repository} repository.`,
          );
        pull.requested_reviewers = accountsOf([...namesOf(pull.requested_reviewers), ...reviewers]);
        const slugs = (pull.requested_teams as readonly { readonly slug: string }[]).map(({ slug }) => slug);
        pull.requested_teams = [...new Set([...slugs, ...teams])].map((slug) => ({ slug }));
        return { status: 201, json: { number: pull.number } };
      }
      case 'GET milestones':
        return pageOf(
          MILESTONES.filter(({ state }) => state === asked.query.get('state')),
          asked,
          url,
          30,
        );
      case 'PATCH issues':
        if (pull === undefined) return no(404, 'Not Found');
        pull.milestone =
          MILESTONES.filter(({ number }) => number === asked.body.milestone).map(({ title }) => ({ title }))[0] ?? null;
        return { status: 200, json: { number: pull.number } };
      case 'GET commits/statuses':
        return pageOf(
          statuses
            .filter(({ of }) => of === id)
            .map(withoutOf)
            .toReversed(),
          asked,
          url,
          30,
        );
      case 'POST statuses': {
        const { state, context, description, target_url = null } = asked.body;
        if (/^0+$/.test(id)) return no(422, `No commit found for SHA: ${id}`);
        if (String(description).length > 140)
          return invalid({
            resource: 'Status',
            code: 'custom',
            field: 'description',
            message: 'description is too long (maximum is 140 characters)',
          });
        return {
          status: 201,
          json: await set({ of: id, state, context, description, target_url }),
        };
      }
      default:
        return no(404, 'Not Found');
    }
  };

  const said = (of: string, body: unknown): Json => {
    const { id } = added(comments, { of, body, user: { login: owner } });
    return { id, body };
  };
  const set = async (status: Json): Promise<Json> => {
    const made = added(statuses, status);
    await following.settle();
    return withoutOf(made);
  };

  /** An open request is at whatever its branch is at. */
  const follow = (pull: Json, at: ReadonlyMap<string, string>): void => {
    const head = pull.head as Json;
    if (pull.state === 'open') head.sha = at.get(String(head.ref)) ?? head.sha;
  };

  const opened = async ({ head, base, title, body, draft = false }: Json): Promise<Answer> => {
    if (head === '' || base === '' || title === '')
      return invalid(...['head', 'base'].map((field) => ({ resource: 'PullRequest', code: 'missing_field', field })));
    const at = await heads();
    const [sha, into] = [at.get(String(head)), at.get(String(base))];
    if (sha === undefined || into === undefined)
      return invalid({ resource: 'PullRequest', field: sha === undefined ? 'head' : 'base', code: 'invalid' });
    if (sha === into)
      return invalid({
        resource: 'PullRequest',
        code: 'custom',
        message: `No commits between ${String(base)} and ${String(head)}`,
      });
    if (pulls.some((each) => each.state === 'open' && (each.head as Json).ref === head))
      return invalid({
        ...{ resource: 'PullRequest', code: 'custom' },
        message: `A pull request already exists for ${owner}:${String(head)}.`,
      });
    const refused = tooLong({ body });
    if (refused !== null) return refused;
    if (draft === true && !plan.hasDrafts) return no(422, 'Draft pull requests are not supported in this repository.');
    const number = pulls.length + 1;
    const pull = {
      ...{
        id: 9000 + number,
        number,
        state: 'open',
        title,
        body,
        labels: [],
        draft,
        merged_at: null,
        user: { login: owner },
      },
      ...{ assignees: [], requested_reviewers: [], requested_teams: [], milestone: null },
      html_url: `https://github.example/${repository}/pull/${number}`,
      head: { ref: head, sha, repo: OWN },
      base: { ref: base, sha: into, repo: OWN },
    };
    pulls.push(pull);
    return { status: 201, json: pull };
  };

  const server = await withForgeServer(scope, answerOf);
  return {
    ...server,
    ...following,
    repository,
    tokens,
    app,
    plan,
    pulls,
    comments,
    statuses,
    move: (name) => names.push(name),
  };
}

/** Accounts and the team that may read the repository beside the token's own, `keeper`. */
const ACCOUNTS = ['ann', 'bob'];
const TEAM = 'night-shift';
const MILESTONES = [
  { id: 501, number: 1, title: '26.05', state: 'closed' },
  { id: 502, number: 2, title: '26.11', state: 'open' },
];

const namesOf = (list: unknown): readonly string[] =>
  (list as readonly { readonly login: string }[]).map(({ login }) => login);
const accountsOf = (names: readonly string[]): readonly Json[] => [...new Set(names)].map((login) => ({ login }));

/** Permissions of which a call needs one. */
const WANTED: Readonly<Record<string, readonly string[]>> = {
  'POST pulls': ['pull_requests'],
  'PATCH pulls': ['pull_requests'],
  'POST issues/comments': ['issues', 'pull_requests'],
  'POST issues/labels': ['issues', 'pull_requests'],
  'POST issues/assignees': ['issues', 'pull_requests'],
  'PATCH issues': ['issues', 'pull_requests'],
  'POST pulls/requested_reviewers': ['pull_requests'],
  'POST statuses': ['statuses'],
};

/** What GitHub says of the token of an App that it does not take. */
function faultOf(token: string, id: string, key: KeyObject): string | null {
  const [head = '', body = '', signature = ''] = token.split('.');
  const { iat, exp, iss } = JSON.parse(Buffer.from(body, 'base64url').toString()) as Json;
  const now = Date.now() / 1000;
  if (!verify('sha256', Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url')))
    return 'A JSON web token could not be decoded';
  if (iss !== id) return 'Integration not found';
  if (Number(iat) > now)
    return "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued";
  if (Number(exp) > now + 600) return "'Expiration time' claim ('exp') is too far in the future";
  return Number(exp) < now
    ? "'Expiration time' claim ('exp') must be a numeric value representing the future time"
    : null;
}

const may = (rights: Rights, permission: string): boolean =>
  'scopes' in rights ? rights.scopes.includes('repo') : rights.permissions[permission] === 'write';

const isBelow = (path: string, root: string): boolean => path === root || path.startsWith(`${root}/`);

const no = (status: number, message: string, headers: Readonly<Record<string, string>> = {}): Answer => ({
  ...{ status, headers },
  json: { message, documentation_url: 'https://docs.github.com/rest', status: String(status) },
});

const invalid = (...errors: readonly Json[]): Answer => ({
  status: 422,
  json: { message: 'Validation Failed', errors, documentation_url: 'https://docs.github.com/rest', status: '422' },
});

const tooLong = ({ body }: Json): Answer | null =>
  typeof body === 'string' && body.length > 65_536
    ? invalid({
        resource: 'Issue',
        code: 'custom',
        field: 'body',
        message: 'body is too long (maximum is 65536 characters)',
      })
    : null;

/** Without what this server alone knows of it. */
const withoutOf = (json: Json): Json => Object.fromEntries(Object.entries(json).filter(([name]) => name !== 'of'));
