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
import { gitlabFollowing, type GitlabFollowing } from './gitlab-following.js';
import type { Scope } from './scope.js';

export interface SmallGitlab extends ForgeServer, GitlabFollowing {
  readonly repository: string;
  /** Scopes of each token. */
  readonly tokens: Map<string, readonly string[]>;
  readonly requests: Json[];
  readonly notes: Json[];
  readonly statuses: Json[];
  /** Labels of the project itself. */
  readonly made: string[];
  /** Gives the project another path; the old one sends on to it. */
  move(path: string): void;
  /** Level of the account of all tokens in the project. */
  setLevel(level: number): void;
}

const ID = 4711;
const DEVELOPER = 30;

/**
 * GitLab in small, below a path of its host: merge requests, notes and statuses of one project, as far as Lockkeeper uses them, by
 * https://docs.gitlab.com/api/ and the source of its API.
 */
export async function withSmallGitlab(
  scope: Scope,
  repository: string,
  heads: Heads,
  below = '',
  mergeInto: MergeInto = () => Promise.resolve(null),
): Promise<SmallGitlab> {
  const api = `${below}/api/v4`;
  const tokens = new Map<string, readonly string[]>([['glpat-swordfish', ['api']]]);
  const [requests, notes, statuses]: [Json[], Json[], Json[]] = [[], [], []];
  const paths = [repository];
  const owner = 'keeper';
  const following = gitlabFollowing({ requests, notes, statuses, heads, mergeInto, owner });
  const made: string[] = [];
  let level = DEVELOPER;

  const answerOf = async (asked: Asked, url: string): Promise<Answer> => {
    const scopes = tokens.get(asked.header('authorization').replace(/^Bearer /, ''));
    if (scopes === undefined) return no(401, '401 Unauthorized');
    const path = asked.path.startsWith(`${api}/`) ? asked.path.slice(api.length) : '';
    if (`${asked.method} ${path}` === 'GET /personal_access_tokens/self')
      return {
        status: 200,
        json: { id: 1, name: 'bot', scopes, active: true, revoked: false, expires_at: '2099-01-01' },
      };
    const [, , project = '', ...rest] = path.split('/');
    const name = decodeURIComponent(project);
    if (!path.startsWith('/projects/') || (project !== String(ID) && !paths.includes(name)))
      return no(404, '404 Project Not Found');
    if (!scopes.includes('api') && asked.method !== 'GET')
      return {
        status: 403,
        json: {
          error: 'insufficient_scope',
          error_description: 'The request requires higher privileges than provided by the access token.',
          scope: 'api',
        },
      };
    if (project !== String(ID) && name !== paths.at(-1)) {
      if (asked.method !== 'GET')
        return no(405, '405 Method Not Allowed - Non GET methods are not allowed for moved projects');
      const search = asked.query.size === 0 ? '' : `?${asked.query.toString()}`;
      const location = `${url}${api}/${['projects', ID, ...rest].join('/')}${search}`;
      return {
        status: 301,
        json: { message: `This resource has been moved permanently to ${location}` },
        headers: { location },
      };
    }
    return ofProject(asked, rest, url);
  };

  const ofProject = async (
    asked: Asked,
    [what = '', id = '', below = '']: readonly string[],
    url: string,
  ): Promise<Answer> => {
    const followed = await following.answer(asked, [what, id, below], url);
    if (followed !== null) return followed;
    const call = `${asked.method} ${what}${below === '' ? '' : `/${below}`}`;
    const request = requests.find(({ iid }) => String(iid) === id);
    switch (call) {
      case 'GET ': {
        const permissions = { project_access: null, group_access: { access_level: level, notification_level: 3 } };
        const json = {
          id: ID,
          path_with_namespace: paths.at(-1),
          archived: false,
          merge_requests_access_level: 'enabled',
          permissions,
          ...following.settings,
        };
        return { status: 200, json };
      }
      case 'GET merge_requests': {
        const state = asked.query.get('state') ?? 'all';
        await following.settle();
        const found = requests.filter((each) => state === 'all' || each.state === state);
        return pageOf(found.toReversed(), asked, url, 20);
      }
      case 'POST merge_requests':
        return opened(asked.body);
      case 'PUT merge_requests': {
        if (request === undefined) return no(404, '404 Not found');
        const {
          state_event: event,
          add_labels: labels,
          assignee_ids,
          reviewer_ids,
          milestone_id,
          ...change
        } = asked.body;
        Object.assign(request, change, event === 'close' ? { state: 'closed' } : {});
        if (typeof labels === 'string') {
          const names = labels.split(',');
          // Those that no group has become labels of the project.
          made.push(...names.filter((each) => !GROUP_LABELS.includes(each) && !made.includes(each)));
          request.labels = [...new Set([...(request.labels as readonly string[]), ...names])];
        }
        // Without a licence there is one of each.
        if (Array.isArray(assignee_ids))
          request.assignees = following.members.filter(({ id: each }) => assignee_ids[0] === each);
        if (Array.isArray(reviewer_ids))
          request.reviewers = following.members.filter(({ id: each }) => reviewer_ids[0] === each);
        if (milestone_id !== undefined)
          request.milestone = MILESTONES.find(({ id: each }) => each === milestone_id) ?? null;
        return { status: 200, json: request };
      }
      case 'GET merge_requests/notes':
        return pageOf(
          notes.filter(({ noteable_iid: of }) => String(of) === id),
          asked,
          url,
          20,
        );
      case 'POST merge_requests/notes':
        if (request === undefined) return no(404, '404 Not found');
        return {
          status: 201,
          json: added(notes, {
            noteable_iid: Number(id),
            system: false,
            body: asked.body.body,
            author: { username: owner },
          }),
        };
      case 'GET milestones': {
        const hasGroups = asked.query.get('include_ancestors') === 'true';
        const wanted = { title: asked.query.get('title'), state: asked.query.get('state') };
        const found = MILESTONES.filter(
          ({ title, state, group_id: group }) =>
            title === wanted.title && state === wanted.state && (hasGroups || group === null),
        );
        return pageOf(found, asked, url, 20);
      }
      // repository/commits/SHA/statuses
      case `GET repository/${below}`: {
        // The newest of each name, unless all are asked for.
        const all = statuses.filter(({ sha }) => sha === below);
        const shown = all.filter(
          (each) => !all.some((other) => other.name === each.name && Number(other.id) > Number(each.id)),
        );
        return pageOf(shown, asked, url, 20);
      }
      case 'POST statuses':
        return await set(id, asked.body);
      default:
        return no(404, '404 Not Found');
    }
  };

  const opened = async (body: Json): Promise<Answer> => {
    const { title, description, source_branch: source, target_branch: target } = body;
    const missing = ['title', 'source_branch', 'target_branch'].filter((field) => body[field] === undefined);
    if (missing.length > 0)
      return { status: 400, json: { error: missing.map((field) => `${field} is missing`).join(', ') } };
    if (level < DEVELOPER) return no(403, '403 Forbidden');
    if (title === '') return { status: 400, json: { message: { title: ["can't be blank"] } } };
    const sha = (await heads()).get(String(source));
    if (sha === undefined)
      return { status: 409, json: { message: [`Source branch "${String(source)}" does not exist`] } };
    const same = requests.find(
      (each) => each.state === 'opened' && each.source_branch === source && each.target_branch === target,
    );
    if (same !== undefined)
      return {
        status: 409,
        json: { message: [`Another open merge request already exists for this source branch: !${String(same.iid)}`] },
      };
    const iid = requests.length + 1;
    const request = {
      ...{
        id: 9000 + iid,
        iid,
        state: 'opened',
        title,
        description,
        source_branch: source,
        target_branch: target,
        sha,
      },
      ...{ source_project_id: ID, target_project_id: ID, draft: /^draft:/i.test(String(title)) },
      ...{ labels: [], assignees: [], reviewers: [], milestone: null, author: { username: owner } },
      web_url: `https://gitlab.example/${repository}/-/merge_requests/${iid}`,
    };
    requests.push(request);
    return { status: 201, json: request };
  };

  const set = async (sha: string, body: Json): Promise<Answer> => {
    const answer = stated(sha, body);
    await following.settle();
    return answer;
  };
  const stated = (sha: string, { name, state, description, target_url = null }: Json): Answer => {
    if (!STATES.includes(String(state))) return { status: 400, json: { error: 'state does not have a valid value' } };
    if (/^0+$/.test(sha)) return no(404, '404 Commit Not Found');
    const newest = statuses.findLast((each) => each.sha === sha && each.name === name);
    // One that has not ended goes on, and takes no step to where it is.
    if (newest !== undefined && ['pending', 'running'].includes(String(newest.status))) {
      if (newest.status === state)
        return no(
          400,
          `Cannot transition status via :enqueue from :${String(state)} (Reason(s): Status cannot transition via "enqueue")`,
        );
      Object.assign(newest, { status: state, description });
      return { status: 201, json: newest };
    }
    return { status: 201, json: added(statuses, { sha, name, status: state, description, target_url }) };
  };

  const server = await withForgeServer(scope, answerOf);
  return {
    ...server,
    ...following,
    url: `${server.url}${below}`,
    ...{ repository, tokens, requests, notes, statuses, made },
    move: (path) => paths.push(path),
    setLevel: (other) => {
      level = other;
    },
  };
}

const GROUP_LABELS = ['nix'];
const MILESTONES = [
  { id: 51, title: '26.11', state: 'closed', group_id: null },
  { id: 52, title: '26.11', state: 'active', group_id: 7 },
];

const STATES = ['pending', 'running', 'success', 'failed', 'canceled', 'skipped'];

const no = (status: number, message: string): Answer => ({ status, json: { message } });
