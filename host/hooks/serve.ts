import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { readHook, type HookEvent } from '../../model/hooks/event.js';
import { hasSignature, isSigned, secretFault } from '../../model/hooks/signature.js';
import { messageOf } from '../../model/text/message-of.js';
import { oneLine } from '../../model/text/one-line.js';
import { PrivateFileFault, readPrivateFile } from '../secrets/private-file.js';
import type { Delivery } from './deliver.js';
import { calmly } from './calmly.js';

export interface HookOptions {
  readonly address: string;
  readonly port: number;
  /** File with the secrets of the webhooks, one a line: each of them is good. */
  readonly secretFile: string;
  /** Tells who waits for it. Fails when that cannot be done now. */
  readonly deliver: (event: HookEvent) => Promise<Delivery>;
  readonly log: (text: string) => void;
}

export interface HookServer {
  /** `http://ADDRESS:PORT` */
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Forges list the commits of a push; what is larger is left to the next look. */
const BODY_BYTES = 1024 * 1024;
/** While strangers send much: most pushes are smaller, and what is hashed for strangers stays little. */
const BODY_BYTES_IN_FLOOD = 64 * 1024;
/** Requests at once; more are not answered. */
const CONNECTIONS = 64;
/** How long a request may take to arrive, and its headers. */
const ARRIVAL_MS = 10_000;
const HEADERS_MS = 5_000;
/** Requests that are answered in a second, on average, and all at once after a quiet time: those with a good signature, and others. */
const REQUESTS_PER_SECOND = 20;
const BURST = 100;
const SECRET = { noun: 'secret', toMake: 'write the secret of the webhooks into it', most: 64 * 1024 } as const;

/** An answer to a forge. What is refused learns nothing of what is here. */
interface Answer {
  readonly status: number;
  readonly text: string;
}

/**
 * Listens for webhooks of forges until it is closed. Nothing of a request is read before its signature holds, and all that it can do
 * is to make somebody look: who repeats one has done nothing.
 * @throws PrivateFileFault when the secrets cannot be read
 */
export async function serveHooks(options: HookOptions): Promise<HookServer> {
  const { address, port, log } = options;
  await secretsOf(options.secretFile);
  const calm = calmly(options.deliver, log);
  const signed = tokenBucket();
  // Strangers cannot use up what forges need.
  const strangers = tokenBucket();
  const server = createServer(
    {
      headersTimeout: HEADERS_MS,
      requestTimeout: ARRIVAL_MS,
      keepAliveTimeout: HEADERS_MS,
      connectionsCheckingInterval: 1000,
    },
    (request, response) => {
      const answer = async (): Promise<Answer> => {
        const toStranger = (refusal: Answer): Answer => (strangers.take() ? refusal : TOO_MANY);
        if (request.method !== 'POST') return toStranger({ status: 405, text: 'Webhooks are sent by POST.' });
        if (!hasSignature(request.headers)) return toStranger(UNSIGNED);
        const isFlood = !strangers.hasRoom();
        const body = await bodyOf(request, isFlood ? BODY_BYTES_IN_FLOOD : BODY_BYTES);
        if (body === null) return toStranger(isFlood ? TOO_MANY : { status: 413, text: 'Too large.' });
        const secrets = await secretsOf(options.secretFile);
        if (!isSigned(request.headers, body, secrets, Date.now())) return toStranger(UNSIGNED);
        return signed.take() ? await answerTo(request, body, calm.tell) : TOO_MANY;
      };
      answer().then(
        (given) => {
          send(request, response, given);
          if (given.status !== 429) log(`${given.status} ${oneLine(kindOf(request), 60)}`);
        },
        (error: unknown) => {
          log(`503 ${oneLine(kindOf(request), 60)}: ${oneLine(messageOf(error), 500)}`);
          send(request, response, { status: 503, text: 'Not now: send it again.' });
        },
      );
    },
  );
  server.maxConnections = CONNECTIONS;
  server.on('clientError', (_error, socket) => {
    socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(new Error(`webhooks cannot be served at ${address}, port ${port}: ${error.message}`, { cause: error }));
    });
    server.listen(port, address, resolve);
  });
  const at = server.address();
  const bound = typeof at === 'object' && at !== null ? at.port : port;
  return {
    url: `http://${address.includes(':') ? `[${address}]` : address}:${bound}`,
    close: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      });
      await calm.close();
    },
  };
}

const UNSIGNED: Answer = { status: 401, text: 'The signature is missing or wrong.' };
const TOO_MANY: Answer = { status: 429, text: 'Too many requests.' };

async function answerTo(
  request: IncomingMessage,
  body: Buffer,
  deliver: (event: HookEvent) => Promise<Delivery>,
): Promise<Answer> {
  let event: HookEvent | null;
  try {
    event = readHook(request.headers, body.toString('utf8'));
  } catch {
    return { status: 400, text: 'The body is not the JSON of a webhook.' };
  }
  if (event === null) return { status: 200, text: 'Nobody waits for such events.' };
  switch (await deliver(event)) {
    case 'told':
      return { status: 202, text: 'Somebody looks now.' };
    case 'nobody':
      return { status: 200, text: 'Nobody waits for it.' };
    case 'unknown':
      return { status: 404, text: 'Not found.' };
  }
}

/** The secrets, read anew for each request: who changes one need not start anything again. */
async function secretsOf(file: string): Promise<readonly string[]> {
  const lines = (await readPrivateFile(file, SECRET)).split('\n').map((line) => line.trim());
  lines.forEach((line, index) => {
    const why = line === '' ? null : secretFault(line);
    if (why !== null)
      throw new PrivateFileFault(`is not usable: line ${index + 1} ${why}. A good secret: openssl rand -hex 32`);
  });
  const secrets = lines.filter((line) => line !== '');
  if (secrets.length === 0) throw new PrivateFileFault('is empty: write the secret of the webhooks into it');
  return secrets;
}

/** What a request calls itself, for the log. */
function kindOf({ headers, method = '' }: IncomingMessage): string {
  const names = ['x-github-event', 'x-gitea-event', 'x-forgejo-event', 'x-gitlab-event'];
  const kind = names.map((name) => headers[name]).find((value) => typeof value === 'string');
  return typeof kind === 'string' ? kind : method;
}

/** The body; `null` when it is too large. */
async function bodyOf(request: IncomingMessage, most: number): Promise<Buffer | null> {
  if (Number(request.headers['content-length'] ?? 0) > most) return null;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > most) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function send(request: IncomingMessage, response: ServerResponse, { status, text }: Answer): void {
  // What is left of a body is not read.
  const ends = request.complete ? {} : { connection: 'close' };
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    ...(status === 429 && { 'retry-after': '5' }),
    ...ends,
  });
  response.end(`${text}\n`);
}

/** Room for requests, which comes again with time. */
function tokenBucket() {
  let left = BURST;
  let at = performance.now();
  const hasRoom = (): boolean => {
    const now = performance.now();
    left = Math.min(BURST, left + ((now - at) / 1000) * REQUESTS_PER_SECOND);
    at = now;
    return left >= 1;
  };
  return {
    hasRoom,
    take: (): boolean => {
      const has = hasRoom();
      if (has) left -= 1;
      return has;
    },
  };
}
