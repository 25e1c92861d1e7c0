import { spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { git } from './git.js';

export interface GitHttpServer {
  /** URL of the folder that is served, without a slash at its end. */
  readonly url: string;
  /** `user:password` of each request that had credentials. */
  readonly credentials: readonly string[];
  close(): Promise<void>;
}

/** The status and header lines that a CGI program prints before its body. */
function answer(response: ServerResponse, head: string): void {
  for (const line of head.split(/\r?\n/)) {
    const [name = '', ...value] = line.split(': ');
    if (name === 'Status') response.statusCode = Number(value.join(': ').slice(0, 3));
    else if (name !== '') response.setHeader(name, value.join(': '));
  }
}

async function backend(root: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, search } = new URL(request.url ?? '/', 'http://localhost');
  const program = path.join(await git(root, '--exec-path'), 'git-http-backend');
  const child = spawn(program, {
    env: {
      ...process.env,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REMOTE_USER: 'tester',
      REQUEST_METHOD: request.method,
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
    },
  });
  request.pipe(child.stdin);
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout) chunks.push(chunk as Buffer);
  const all = Buffer.concat(chunks);
  const end = all.indexOf('\r\n\r\n');
  answer(response, all.subarray(0, end).toString('latin1'));
  response.end(all.subarray(end + 4));
}

/**
 * Serves the repositories below a folder with Git's own CGI program, to those who know the token.
 * @param writeToken pushing needs this one; anybody with `token` may read
 */
export async function serveGit(root: string, token: string, writeToken = token): Promise<GitHttpServer> {
  const credentials: string[] = [];
  const server = createServer((request, response) => {
    const given = Buffer.from((request.headers.authorization ?? '').replace(/^Basic /, ''), 'base64').toString();
    if (given !== '') credentials.push(given);
    const password = given.slice(given.indexOf(':') + 1);
    const pushing = (request.url ?? '').includes('git-receive-pack');
    if (password !== token && password !== writeToken) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="test"' }).end();
    } else if (pushing && password !== writeToken) {
      response.writeHead(403).end('You may only read this repository');
    } else {
      void backend(root, request, response);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credentials,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
}
