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
  /** Does the next request of a method and end of a path, and breaks off instead of answering. */
  loseAnswer(method: string, pathEnd: string): void;
}

/** A server of this machine that speaks JSON, as forges do, until the end of a scope. */
export async function withForgeServer(
  scope: Scope,
  answerOf: (asked: Asked, url: string) => Answer | Promise<Answer>,
): Promise<ForgeServer> {
  let disturbed: Disturb | null = null;
  let lost: { readonly method: string; readonly pathEnd: string } | null = null;
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
      const answer = await answerOf(asked, url);
      talk.push({ asked, answer });
      if (lost !== null && asked.method === lost.method && asked.path.endsWith(lost.pathEnd)) {
        lost = null;
        request.socket.destroy();
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
    loseAnswer: (method, pathEnd) => {
      lost = { method, pathEnd };
    },
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
