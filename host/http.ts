import { request as plain, type Agent as PlainAgent } from 'node:http';
import { request as encrypted, type Agent as EncryptedAgent } from 'node:https';

/** What became of a request: any answer at all, or the reason for none. */
export type Answer =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly body: string;
      /** Whether the body goes on past what was read of it. */
      readonly cut: boolean;
      readonly header: (name: string) => string | null;
    }
  | { readonly kind: 'failed'; readonly reason: string };

/** Most that is read of an answer where nothing else is said. */
const BODY_BYTES = 8 * 1024 * 1024;

/**
 * One HTTP request with a limit of time over the whole of it. Redirects are not followed: a POST would become a GET and
 * look like a success. Throws only when `signal` aborts.
 */
export async function request(
  url: string,
  init: { readonly method: string; readonly headers: Record<string, string>; readonly body?: string },
  {
    timeoutMs,
    signal,
    bodyBytes = BODY_BYTES,
  }: { readonly timeoutMs: number; readonly signal: AbortSignal; readonly bodyBytes?: number },
): Promise<Answer> {
  signal.throwIfAborted();
  // One controller and a timer of our own: in Node 20 a combined signal may be collected before its time-out fires.
  const controller = new AbortController();
  const abort = (): void => {
    controller.abort();
  };
  const timer = setTimeout(abort, timeoutMs);
  signal.addEventListener('abort', abort, { once: true });
  try {
    const response = await fetch(url, { ...init, redirect: 'manual', signal: controller.signal });
    const read = await bodyOf(response, bodyBytes);
    return { kind: 'answered', status: response.status, ...read, header: (name) => response.headers.get(name) };
  } catch (error) {
    signal.throwIfAborted();
    const reason = controller.signal.aborted ? `no answer within ${timeoutMs / 1000} s` : causeOf(error);
    return { kind: 'failed', reason };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

async function bodyOf(response: Response, most: number): Promise<{ readonly body: string; readonly cut: boolean }> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  if (response.body !== null) {
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      size += chunk.byteLength;
      if (size > most) break;
    }
  }
  return { body: Buffer.concat(chunks).subarray(0, most).toString('utf8'), cut: size > most };
}

/** `fetch failed` says nothing; the reason is in its cause, which for several addresses is one of many. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const inner = cause instanceof AggregateError ? (cause.errors as unknown[])[0] : cause;
  if (inner instanceof Error) return inner.message;
  return error instanceof Error ? error.message : 'unknown error';
}

/** Connections that are kept, for one scheme each. */
export interface KeptConnections {
  readonly plain: PlainAgent;
  readonly encrypted: EncryptedAgent;
}

/** As `request`, over connections that are kept, for questions by the thousand: a tenth of the work. */
export function keptRequest(
  url: URL,
  { method, headers }: { readonly method: string; readonly headers: Readonly<Record<string, string>> },
  {
    timeoutMs,
    signal,
    bodyBytes,
    connections,
  }: {
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
    readonly bodyBytes: number;
    readonly connections: KeptConnections;
  },
): Promise<Answer> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const isPlain = url.protocol === 'http:';
    const asked = (isPlain ? plain : encrypted)(url, {
      ...{ method, headers, agent: isPlain ? connections.plain : connections.encrypted },
    });
    const end = (answer: Answer): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      resolve(answer);
    };
    const abort = (): void => {
      asked.destroy();
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      asked.destroy(new Error(`no answer within ${timeoutMs / 1000} s`));
    }, timeoutMs);
    signal.addEventListener('abort', abort, { once: true });
    asked.on('error', (error) => {
      end({ kind: 'failed', reason: error.message === '' ? 'no connection' : error.message });
    });
    asked.on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const answered = (cut: boolean): void => {
        const body = Buffer.concat(chunks).subarray(0, bodyBytes).toString('utf8');
        const header = (name: string): string | null => response.headersDistinct[name]?.[0] ?? null;
        end({ kind: 'answered', status: response.statusCode ?? 0, body, cut, header });
      };
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.byteLength;
        if (size <= bodyBytes) return;
        answered(true);
        asked.destroy();
      });
      response.on('end', () => {
        answered(false);
      });
      response.on('error', (error) => {
        end({ kind: 'failed', reason: error.message });
      });
    });
    asked.end();
  });
}
