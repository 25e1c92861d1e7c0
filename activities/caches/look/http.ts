import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheName } from '../../../model/caches/name.js';
import type { PathInfo } from '../../../model/closure/path-info.js';
import { storeHash } from '../../../model/nix/derivation-file.js';
import { request, type Answer } from '../../../host/http.js';
import { CacheFault } from '../fault.js';
import type { SeenPath } from '../narinfo.js';
import { netrcHeader } from '../netrc.js';
import { nixLooker } from './nix.js';
import { AT_ONCE, seenOn } from './seen.js';
import type { CacheLooker } from './types.js';

const TIMEOUT_MS = 30_000;
const MOST_REDIRECTS = 5;
const NARINFO_BYTES = 1024 * 1024;
/** Pauses before a question is asked once more that a server could not answer. */
const PAUSES_MS = [200, 1000, 3000];

/** Requests of our own; a server that wants a certificate of the client's is asked by Nix. */
export const http: CacheLooker = {
  look: async (cache, paths, asking) => {
    if (cache.to.includes('tls-certificate=')) return await nixLooker.look(cache, paths, asking);
    const base = cacheName(cache.to);
    const headers = cache.netrcFile === undefined ? {} : await netrcHeader(cache.netrcFile, new URL(base).hostname);
    return await lookOver(base, paths, { headers, signal: asking.signal });
  },
};

interface Questions {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** What an address says of some paths. */
export const lookOver = (
  base: string,
  paths: readonly PathInfo[],
  questions: Questions,
): Promise<ReadonlyMap<string, SeenPath>> => {
  // Each question listens to it.
  setMaxListeners(2 * AT_ONCE, questions.signal);
  return seenOn(
    {
      narInfo: (storePath) => ask('GET', `${base}/${storeHash(storePath)}.narinfo`, questions),
      hasArchive: async (archive) => (await ask('HEAD', `${base}/${archive}`, questions)) !== null,
    },
    paths,
  );
};

/** Where an answer sends on to; `null` when it does not, or from an encrypted address to one that is not. */
function redirect({ status, header }: Extract<Answer, { kind: 'answered' }>, url: string): URL | null {
  const location = header('location');
  if (![301, 302, 303, 307, 308].includes(status) || location === null || !URL.canParse(location, url)) return null;
  const next = new URL(location, url);
  return next.protocol === 'https:' || next.protocol === new URL(url).protocol ? next : null;
}

/**
 * @returns the body; `null` when it is not there: S3 says 403 for that where nobody may list the bucket, and Nix takes it so, too
 * @throws CacheFault
 */
async function ask(
  method: 'GET' | 'HEAD',
  address: string,
  { headers: own, signal }: Questions,
): Promise<string | null> {
  let [url, headers, hops] = [address, own, 0];
  for (let round = 0; ; round++) {
    const answer = await request(
      url,
      { method, headers: { ...headers } },
      { timeoutMs: TIMEOUT_MS, signal, bodyBytes: NARINFO_BYTES },
    );
    if (answer.kind === 'answered') {
      if (answer.status === 200) return answer.body;
      if (answer.status === 404 || answer.status === 403) return null;
      const next = redirect(answer, url);
      // Where archives lie elsewhere, the address there is often good for GET alone.
      if (next !== null && method === 'HEAD') return '';
      if (next !== null && hops < MOST_REDIRECTS) {
        if (next.origin !== new URL(url).origin) headers = {};
        [url, hops, round] = [next.href, hops + 1, -1];
        continue;
      }
    }
    const passes = answer.kind === 'failed' || answer.status === 429 || answer.status >= 500;
    const pause = PAUSES_MS[round];
    if (!passes || pause === undefined) {
      const why = answer.kind === 'failed' ? answer.reason : `HTTP ${answer.status}`;
      throw new CacheFault(`the cache ${new URL(url).origin} does not say what it has: ${why}`, passes);
    }
    await sleep(pause, undefined, { signal });
  }
}
