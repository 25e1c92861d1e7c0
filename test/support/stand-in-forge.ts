import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { atEndOf, type Scope } from './scope.js';

type Json = Record<string, unknown>;

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
  disturb(answer: (request: IncomingMessage, response: ServerResponse) => boolean): void;
  /** What was asked: `GET /repos/…`, without the query. */
  readonly asked: string[];
}

const ID = 'token swordfish-of-the-forge';

/**
 * A server that speaks as much of Gitea's API as Lockkeeper uses, where no real one can be had, or one that fails in its
 * answers. Tests with a real one hold it to the protocol: `test/run/pull-request.test.ts`.
 * @param headOf commit that a branch is at
 */
export async function withStandInForge(
  scope: Scope,
  repository: string,
  headOf: (branch: string) => Promise<string> = () => Promise.resolve('a'.repeat(40)),
): Promise<StandInForge> {
  let state: ForgeState = { pulls: [], labels: [], comments: [], statuses: [] };
  let disturbed: ((request: IncomingMessage, response: ServerResponse) => boolean) | null = null;
  const asked: string[] = [];
  const root = `/api/v1/repos/${repository}`;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const reply = (status: number, json: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
    };
    asked.push(`${request.method ?? ''} ${pathname}`);
    const text = await bodyOf(request);
    if (disturbed?.(request, response) === true) return;
    if (request.headers.authorization !== ID) {
      reply(401, { message: 'invalid username, password or token' });
      return;
    }
    if (!pathname.startsWith(root)) {
      reply(404, { message: 'The target couldn’t be found.' });
      return;
    }
    const page = (list: readonly Json[]): void => {
      const limit = Number(searchParams.get('limit') ?? 50);
      const start = (Number(searchParams.get('page') ?? 1) - 1) * limit;
      reply(200, list.slice(start, start + limit));
    };
    const given = (text === '' ? {} : JSON.parse(text)) as Json;
    const [, what = '', id = '', below = ''] = pathname.slice(root.length).split('/');
    switch (`${request.method ?? ''} ${what}${below === '' ? '' : `/${below}`}`) {
      case 'GET pulls':
        page(state.pulls.filter((pull) => pull.state === searchParams.get('state')));
        return;
      case 'POST pulls': {
        const { head, base, title, body, labels } = given;
        if (head === '' || base === '') {
          reply(422, { message: '[Head]: Required' });
          return;
        }
        const there = state.pulls.some((pull) => pull.state === 'open' && (pull.head as Json).ref === head);
        if (there) {
          reply(409, { message: 'pull request already exists for these targets' });
          return;
        }
        const number = state.pulls.length + 1;
        const ends = {
          head: { ref: head, sha: await headOf(String(head)), repo_id: 1 },
          base: { ref: base, repo_id: 1 },
        };
        const html_url = `http://forge.example/${repository}/pulls/${number}`;
        const pull = { id: number, number, state: 'open', merged: false, title, body, labels, html_url, ...ends };
        state.pulls.push(pull);
        reply(201, pull);
        return;
      }
      case 'PATCH pulls': {
        const pull = state.pulls.find(({ number }) => String(number) === id);
        if (pull !== undefined) Object.assign(pull, given);
        reply(pull === undefined ? 404 : 201, pull ?? null);
        return;
      }
      case 'GET labels':
        page(state.labels);
        return;
      case 'POST labels':
        reply(201, added(state.labels, given));
        return;
      case 'GET issues/comments':
        page(state.comments.filter(({ of }) => of === id));
        return;
      case 'POST issues/comments':
        reply(201, added(state.comments, { of: id, ...given }));
        return;
      case 'GET statuses':
        page(state.statuses.filter(({ sha }) => sha === id));
        return;
      case 'POST statuses':
        reply(201, added(state.statuses, { sha: id, status: given.state, ...given }));
        return;
      default:
        reply(404, { message: 'Not Found' });
    }
  };

  const server = createServer((request, response) => {
    void answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEndOf(scope, () => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    repository,
    token: ID.replace('token ', ''),
    state: () => state,
    reset: (pulls = []) => {
      state = { pulls: structuredClone([...pulls]), labels: [], comments: [], statuses: [] };
    },
    disturb: (own) => {
      disturbed = own;
    },
    asked,
  };
}

function added(list: Json[], json: Json): Json {
  const entry = { id: list.length + 1, ...json };
  list.push(entry);
  return entry;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
