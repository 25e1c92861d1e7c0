import { setMaxListeners } from 'node:events';
import { Agent as PlainAgent } from 'node:http';
import { Agent as EncryptedAgent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PathInfo } from '../../../model/closure/path-info.js';
import { storeHash } from '../../../model/nix/derivation-file.js';
import { keptRequest, type Answer, type KeptConnections } from '../../http.js';
import { CacheFault } from '../fault.js';
import { parseNarInfo, type SeenPath } from '../narinfo.js';
import { AT_ONCE, seenOn } from './seen.js';

const TIMEOUT_MS = 30_000;
const MOST_REDIRECTS = 5;
const NARINFO_BYTES = 1024 * 1024;
/** Pauses before a question is asked once more that a server could not answer. */
const PAUSES_MS = [200, 1000, 3000];

export interface Questions {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

interface Talk extends Questions {
  readonly connections: KeptConnections;
}

/** What an address says of some paths, by requests of our own. */
export async function lookOver(
  base: string,
  paths: readonly PathInfo[],
  questions: Questions,
): Promise<ReadonlyMap<string, SeenPath>> {
  return await talking(questions, (talk) =>
    seenOn(
      {
        narInfo: (storePath) => narInfoAt(base, storePath, talk),
        archiveBytes: async (archive) => (await ask('HEAD', `${base}/${archive}`, talk))?.bytes ?? null,
      },
      paths,
    ),
  );
}

const narInfoAt = async (base: string, storePath: string, talk: Talk): Promise<string | null> =>
  (await ask('GET', `${base}/${storeHash(storePath)}.narinfo`, talk))?.body ?? null;

/** Asks a server to remove paths: their archives first, which Nix would not replace. Whether it did is seen afterwards. */
export const removeAt = (base: string, paths: readonly PathInfo[], questions: Questions): Promise<void> =>
  talking(questions, async (talk) => {
    const { headers, signal, connections } = talk;
    for (const { path } of paths) {
      const { archive = null } = parseNarInfo((await narInfoAt(base, path, talk)) ?? '') ?? {};
      for (const name of [archive, `${storeHash(path)}.narinfo`])
        if (name !== null)
          await keptRequest(
            new URL(`${base}/${name}`),
            { method: 'DELETE', headers },
            { timeoutMs: TIMEOUT_MS, signal, bodyBytes: NARINFO_BYTES, connections },
          );
    }
  });

async function talking<T>(questions: Questions, work: (talk: Talk) => Promise<T>): Promise<T> {
  // Each question listens to it.
  setMaxListeners(2 * AT_ONCE, questions.signal);
  const limits = { keepAlive: true, maxSockets: AT_ONCE };
  const connections = { plain: new PlainAgent(limits), encrypted: new EncryptedAgent(limits) };
  try {
    return await work({ ...questions, connections });
  } finally {
    connections.plain.destroy();
    connections.encrypted.destroy();
  }
}

/** Bytes of what is there, as it lies there. */
function bytesTold({ header }: Extract<Answer, { kind: 'answered' }>): number | 'unknown' {
  const told = header('content-length');
  return told === null || header('content-encoding') !== null ? 'unknown' : Number(told);
}

/** Where an answer sends on to; `null` when it does not, or from an encrypted address to one that is not. */
function redirect({ status, header }: Extract<Answer, { kind: 'answered' }>, url: URL): URL | null {
  const location = header('location');
  if (![301, 302, 303, 307, 308].includes(status) || location === null || !URL.canParse(location, url.href))
    return null;
  const next = new URL(location, url);
  return /^https?:$/.test(next.protocol) && (next.protocol === 'https:' || next.protocol === url.protocol)
    ? next
    : null;
}

/**
 * @returns the body, and its bytes where they are told; `null` when it is not there: S3 says 403 for that where nobody may list the bucket, and Nix takes it so, too
 * @throws CacheFault
 */
async function ask(
  method: 'GET' | 'HEAD',
  address: string,
  { headers: own, signal, connections }: Talk,
): Promise<{ readonly body: string; readonly bytes: number | 'unknown' } | null> {
  let [url, headers, hops] = [new URL(address), own, 0];
  for (let round = 0; ; round++) {
    const limits = { timeoutMs: TIMEOUT_MS, signal, bodyBytes: NARINFO_BYTES, connections };
    const answer = await keptRequest(url, { method, headers }, limits);
    if (answer.kind === 'answered') {
      if (answer.status === 200) return { body: answer.body, bytes: bytesTold(answer) };
      if (answer.status === 404 || answer.status === 403) return null;
      const next = redirect(answer, url);
      // Where archives lie elsewhere, the address there is often good for GET alone.
      if (next !== null && method === 'HEAD') return { body: '', bytes: 'unknown' };
      if (next !== null && hops < MOST_REDIRECTS) {
        if (next.origin !== url.origin) headers = {};
        [url, hops, round] = [next, hops + 1, -1];
        continue;
      }
    }
    const passes = answer.kind === 'failed' || answer.status === 429 || answer.status >= 500;
    const pause = PAUSES_MS[round];
    if (!passes || pause === undefined) {
      const why = answer.kind === 'failed' ? answer.reason : `HTTP ${answer.status}`;
      throw new CacheFault(`the cache ${url.origin} does not say what it has: ${why}`, passes);
    }
    await sleep(pause, undefined, { signal });
  }
}
