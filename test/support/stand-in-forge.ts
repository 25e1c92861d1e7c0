import { added, withForgeServer, type Answer, type Asked, type Disturb, type Json } from './forge-server.js';
import type { Scope } from './scope.js';

/** Everything that a forge has of its one repository. */
export interface ForgeState {
  readonly pulls: Json[];
  readonly labels: Json[];
  readonly comments: Json[];
  readonly statuses: Json[];
}

export interface StandInForge {
  readonly url: string;
  /** `OWNER/NAME` of its repository; whatever else is asked for is not there. */
  readonly repository: string;
  readonly token: string;
  readonly state: () => ForgeState;
  /** Forgets everything, or has that alone. */
  reset(pulls?: readonly Json[]): void;
  /** Answers the next requests in its own way; `false`: as always. */
  disturb(answer: Disturb): void;
  /** What was asked: `GET /repos/…`, without the query. */
  readonly asked: string[];
}

/** `OWNER/NAME` that a forge would have for a remote. */
export const nameOnForge = (remote: string): string =>
  remote
    .split('/')
    .slice(-2)
    .join('/')
    .replace(/\.git$/, '');

const ID = 'token swordfish-of-the-forge';

/**
 * A server that speaks as much of Gitea's API as Lockkeeper uses, where no real one can be had, or one that fails in its
 * answers. Tests with a real one hold it to the protocol: `test/run/pull-request.test.ts`.
 * @param headOf commit that a branch is at
 * @param merge moves main to a branch
 */
export async function withStandInForge(
  scope: Scope,
  repository: string,
  headOf: (branch: string) => Promise<string> = () => Promise.resolve('a'.repeat(40)),
  merge: (branch: string) => Promise<unknown> = () => Promise.resolve(),
): Promise<StandInForge> {
  let state: ForgeState = { pulls: [], labels: [], comments: [], statuses: [] };
  const asked: string[] = [];
  const root = `/api/v1/repos/${repository}`;

  const answerOf = async ({ method, path, query, header, body: given }: Asked): Promise<Answer> => {
    asked.push(`${method} ${path}`);
    if (header('authorization') !== ID) return reply(401, { message: 'invalid username, password or token' });
    if (!path.startsWith(root)) return reply(404, { message: 'The target couldn’t be found.' });
    const page = (list: readonly Json[]): Answer => {
      const limit = Number(query.get('limit') ?? 50);
      const start = (Number(query.get('page') ?? 1) - 1) * limit;
      return reply(200, list.slice(start, start + limit));
    };
    const [, what = '', id = '', below = ''] = path.slice(root.length).split('/');
    if (what === 'branches') {
      const tip = await headOf(path.slice(`${root}/branches/`.length));
      return reply(200, { commit: { id: tip }, enable_status_check: false });
    }
    const one = what === 'pulls' && method === 'GET' && id !== '' ? '/' : '';
    switch (`${method} ${what}${below === '' ? one : `/${below}`}`) {
      case 'GET ':
        return reply(200, {
          ...{ full_name: repository, permissions: { push: true }, has_pull_requests: true },
          ...{ allow_fast_forward_only_merge: true, default_merge_style: 'fast-forward-only' },
        });
      case 'GET pulls':
        return page(state.pulls.filter((pull) => pull.state === query.get('state')));
      case 'GET pulls/':
        return reply(200, state.pulls.find(({ number }) => String(number) === id) ?? null);
      case 'POST pulls/merge': {
        const pull = state.pulls.find(({ number }) => String(number) === id) ?? {};
        const { ref, sha } = pull.head as { readonly ref: string; readonly sha: string };
        if (pull.state !== 'open' || sha !== given.head_commit_id) return reply(409, { message: 'head out of date' });
        await merge(ref);
        Object.assign(pull, { state: 'closed', merged: true, merge_commit_sha: sha, merged_by: { login: 'keeper' } });
        return reply(200, null);
      }
      case 'POST pulls': {
        const { head, base, title, body, labels } = given;
        if (head === '' || base === '') {
          return reply(422, { message: '[Head]: Required' });
        }
        const there = state.pulls.some((pull) => pull.state === 'open' && (pull.head as Json).ref === head);
        if (there) {
          return reply(409, { message: 'pull request already exists for these targets' });
        }
        const number = state.pulls.length + 1;
        const ends = {
          head: { ref: head, sha: await headOf(String(head)), repo_id: 1 },
          base: { ref: base, repo_id: 1 },
        };
        const html_url = `http://forge.example/${repository}/pulls/${number}`;
        const pull = { id: number, number, state: 'open', merged: false, title, body, labels, html_url, ...ends };
        state.pulls.push(pull);
        return reply(201, pull);
      }
      case 'PATCH pulls': {
        const pull = state.pulls.find(({ number }) => String(number) === id);
        if (pull !== undefined) Object.assign(pull, given);
        return reply(pull === undefined ? 404 : 201, pull ?? null);
      }
      case 'GET labels':
        return page(state.labels);
      case 'POST labels':
        return reply(201, added(state.labels, given));
      case 'POST issues/labels': {
        // What there is not is left out.
        const known = state.labels.filter(({ name }) => (given.labels as readonly unknown[]).includes(name));
        const pull = state.pulls.find(({ number }) => String(number) === id);
        if (pull !== undefined) pull.labels = [...new Set([...((pull.labels ?? []) as Json[]), ...known])];
        return reply(200, pull?.labels ?? []);
      }
      case 'GET assignees':
        return reply(200, [{ id: 1, login: 'ann' }]);
      case 'GET milestones':
        return reply(200, [{ id: 1, title: '26.11' }]);
      case 'POST pulls/requested_reviewers': {
        const pull = state.pulls.find(({ number }) => String(number) === id) ?? {};
        pull.reviewers = [...new Set([...((pull.reviewers ?? []) as string[]), ...(given.reviewers as string[])])];
        return reply(201, []);
      }
      case 'GET issues/comments':
        return page(state.comments.filter(({ of }) => of === id));
      case 'POST issues/comments':
        if (!state.pulls.some(({ number }) => String(number) === id))
          return reply(404, { message: 'issue does not exist' });
        return reply(201, added(state.comments, { of: id, ...given }));
      case 'GET statuses':
        return page(state.statuses.filter(({ sha }) => sha === id));
      case 'POST statuses':
        return reply(201, added(state.statuses, { sha: id, status: given.state, ...given }));
      default:
        return reply(404, { message: 'Not Found' });
    }
  };

  const server = await withForgeServer(scope, answerOf);
  return {
    ...server,
    repository,
    token: ID.replace('token ', ''),
    state: () => state,
    reset: (pulls = []) => {
      state = { pulls: structuredClone([...pulls]), labels: [], comments: [], statuses: [] };
    },
    asked,
  };
}

const reply = (status: number, json: unknown): Answer => ({ status, json });
