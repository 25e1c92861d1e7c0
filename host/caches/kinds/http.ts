import { cacheAddress } from '../../../model/caches/name.js';
import type { Cache } from '../../../model/caches/types.js';
import { lookByNix } from '../look/nix.js';
import { lookOver, removeAt, type Questions } from '../look/over-http.js';
import { netrcHeader } from '../netrc.js';
import { signedByNix } from '../nix-commands.js';
import type { CacheHandler } from '../types.js';

/** Requests of our own; a server that wants a certificate of the client's is asked by Nix. */
export const http: CacheHandler = {
  ...signedByNix,
  look: async (cache, paths, asking) =>
    wantsCertificate(cache)
      ? await lookByNix(cache, paths, asking)
      : await lookOver(cacheAddress(cache.to), paths, await questionsOf(cache, asking.signal)),
  // Not every server does.
  forget: async (cache, paths, signal) => {
    if (wantsCertificate(cache)) return;
    const questions = await questionsOf(cache, signal);
    await removeAt(cacheAddress(cache.to), paths, questions);
  },
};

const wantsCertificate = ({ to }: Cache): boolean => to.includes('tls-certificate=');

async function questionsOf({ to, netrcFile }: Cache, signal: AbortSignal): Promise<Questions> {
  const { hostname } = new URL(to);
  return { headers: netrcFile === undefined ? {} : await netrcHeader(netrcFile, hostname), signal };
}
