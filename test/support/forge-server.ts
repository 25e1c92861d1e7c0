import type { IncomingMessage, ServerResponse } from 'node:http';
import { withHttp } from './http.js';
import type { Scope } from './scope.js';

export type Json = Record<string, unknown>;

export interface Asked {
  readonly method: string;
  /** Without the query, as it was written. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly header: (name: string) => string;
  readonly body: Json;
}

export interface Answer {
  readonly status: number;
  readonly json: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Disturb = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface ForgeServer {
  readonly url: string;
  /** All that it was asked, and what it answered by itself. */
  readonly talk: { readonly asked: Asked; readonly answer: Answer }[];
  /** Answers the next requests in its own way; `false`: as always. */
  disturb(answer: Disturb): void;
  readonly disturbances: Disturbances;
}

/** A request by its method and the end of its path. */
export type Which = readonly [method: string, pathEnd: string];

/** What becomes of the next request of a kind. */
export interface Disturbances {
  /** It is done, and something else is said of it. */
  loseAnswer(which: Which, instead?: Instead): void;
  /** Something happens directly before it is done. */
  before(which: Which, act: () => Promise<unknown>): void;
}

/** What is said instead of an answer. @param body of the answer */
export type Instead = (response: ServerResponse, body: string) => unknown;

/** A connection that breaks off. */
export const breakOff: Instead = (response) => response.destroy();

interface Disturbed {
  readonly which: Which;
  readonly instead?: Instead;
  readonly before?: () => Promise<unknown>;
}

/** Keeps what is to become of a request until it comes. */
export function withDisturbances(): {
  readonly all: Disturbances;
  take(method: string, path: string): Disturbed | null;
} {
  let next: Disturbed | null = null;
  return {
    all: {
      loseAnswer: (which, instead = breakOff) => {
        next = { which, instead };
      },
      before: (which, before) => {
        next = { which, before };
      },
    },
    take: (method, path) => {
      const taken = next;
      if (taken?.which[0] !== method || !path.endsWith(taken.which[1])) return null;
      next = null;
      return taken;
    },
  };
}

/** A server of this machine that speaks JSON, as forges do, until the end of a scope. */
export async function withForgeServer(
  scope: Scope,
  answerOf: (asked: Asked, url: string) => Answer | Promise<Answer>,
): Promise<ForgeServer> {
  let disturbed: Disturb | null = null;
  const disturbances = withDisturbances();
  const talk: ForgeServer['talk'] = [];
  const { url } = await withHttp(scope, (request, response) => {
    void (async () => {
      const text = await bodyOf(request);
      if (disturbed?.(request, response) === true) return;
      const { pathname, searchParams } = new URL(request.url ?? '/', url);
      const asked = {
        ...{ method: request.method ?? '', path: pathname, query: searchParams },
        header: (name: string) => String(request.headers[name] ?? ''),
        body: (text === '' ? {} : JSON.parse(text)) as Json,
      };
      const { before, instead } = disturbances.take(asked.method, asked.path) ?? {};
      await before?.();
      const answer = await answerOf(asked, url);
      talk.push({ asked, answer });
      if (instead !== undefined) {
        instead(response, JSON.stringify(answer.json));
        return;
      }
      response.writeHead(answer.status, { 'content-type': 'application/json; charset=utf-8', ...answer.headers });
      response.end(JSON.stringify(answer.json));
    })();
  });
  return {
    url,
    talk,
    disturb: (own) => {
      disturbed = own;
    },
    disturbances: disturbances.all,
  };
}

/** A page of a list, and the address of the next one, as GitHub and GitLab give it. */
export function pageOf(list: readonly unknown[], { path, query }: Asked, url: string, size: number): Answer {
  const count = Math.min(Number(query.get('per_page') ?? size), 100);
  const page = Number(query.get('page') ?? 1);
  const rest = new URLSearchParams(query);
  rest.set('page', String(page + 1));
  const hasMore = list.length > page * count;
  return {
    status: 200,
    json: list.slice((page - 1) * count, page * count),
    // Its own idea of its address, as of one that is behind a proxy.
    headers: hasMore
      ? { link: `<http://inside.example${new URL(path, url).pathname}?${rest.toString()}>; rel="next"` }
      : {},
  };
}

export function added<T extends Json>(list: T[], json: T): T & { readonly id: number } {
  const entry = { id: list.length + 1, ...json };
  list.push(entry);
  return entry;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
