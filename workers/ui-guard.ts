import { createServer, request } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Endpoint } from './server-ports.js';

const LOOPBACK = '127.0.0.1';
/** Browsers use six. More, from another account, must not leave the keeper without descriptors. */
const MAX_CONNECTIONS = 100;
/** What this machine is called by those who mean it. The port may be another one: that of `ssh -L`. */
const OWN_NAMES = new Set(['127.0.0.1', 'localhost']);

export interface UiGuard {
  readonly url: string;
  readonly port: number;
  /** Where the UI itself is: each server has another place. */
  show(behind: Endpoint): void;
}

/**
 * Shows the UI of the embedded server to its owner's browser, and to no page of another site: the UI itself answers whatever host
 * name it is asked by, also a name of an attacker's that was made to mean 127.0.0.1.
 * @param wanted port; another one is taken when it is not free
 */
export async function serveUi(wanted: number): Promise<UiGuard> {
  let behind: Endpoint | null = null;
  const server = createServer((asked, answer) => {
    const why = refusal(asked.method ?? '', asked.headers);
    if (why !== null) refuse(answer, 403, why);
    else if (behind === null) refuse(answer, 503, 'The server is being started.');
    else pass(asked, answer, behind);
  });
  server.maxConnections = MAX_CONNECTIONS;
  const port = (await listen(server, wanted)) ?? (await listen(server, 0));
  if (port === null) throw new Error('no free port for the Temporal UI');
  return {
    url: `http://${LOOPBACK}:${port}`,
    port,
    show: (next) => {
      behind = next;
    },
  };
}

/** Why a request is not answered, as a sentence; `null` when it is. Programs without a browser say nothing of where they come from. */
function refusal(method: string, headers: IncomingHttpHeaders): string | null {
  const { host = '', origin } = headers;
  if (!OWN_NAMES.has(nameOf(host)))
    return 'This server is asked by another host name than its own: use 127.0.0.1 or localhost.';
  const site = headers['sec-fetch-site'];
  const isRead = method === 'GET' || method === 'HEAD';
  // A link from elsewhere opens a page; it reads nothing into the page that has the link.
  const isLink = isRead && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  const isForeign =
    (origin !== undefined && origin !== `http://${host}`) || site === 'cross-site' || site === 'same-site';
  return isForeign && !isLink ? 'A page of another site asks for this.' : null;
}

const nameOf = (host: string): string => host.replace(/:\d*$/, '').toLowerCase();

function refuse(answer: ServerResponse, status: number, why: string): void {
  answer.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  answer.end(`${why}\n`);
}

function pass(asked: IncomingMessage, answer: ServerResponse, { host, port }: Endpoint): void {
  const onward = request(
    { host, port, method: asked.method, path: asked.url, headers: asked.headers },
    (answered: IncomingMessage) => {
      answer.writeHead(answered.statusCode ?? 502, answered.headers);
      answered.pipe(answer);
    },
  );
  onward.on('error', () => {
    if (answer.headersSent) answer.destroy();
    else refuse(answer, 502, 'The server does not answer: it is being started again.');
  });
  answer.once('close', () => {
    onward.destroy();
  });
  asked.pipe(onward);
}

/** The port; `null` when it is taken. */
function listen(server: Server, port: number): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else reject(error);
    };
    server.once('error', failed);
    server.listen(port, LOOPBACK, () => {
      server.off('error', failed);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : null);
    });
  });
}
