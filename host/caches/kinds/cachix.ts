import { cacheAddress } from '../../../model/caches/name.js';
import { mentionedPath } from '../copied.js';
import { lookOver } from '../look/over-http.js';
import { cacheEnvironment } from '../nix-commands.js';
import { tokenOf } from '../secrets.js';
import { tokenHeader } from '../token-header.js';
import type { CacheHandler } from '../types.js';

/** `cachix push`, which compresses and uploads what neither Cachix nor cache.nixos.org has of closures. */
export const cachix: CacheHandler = {
  copied: mentionedPath,
  look: async ({ to, readUrl, tokenFile }, paths, { signal }) =>
    await lookOver(cacheAddress(readUrl ?? `https://${nameOf(to)}.cachix.org`), paths, {
      headers: await tokenHeader(isOfCachix(readUrl) ? tokenFile : undefined),
      signal,
    }),
  upload: async (cache, storePaths, { clientCache }) => ({
    command: ['cachix', 'push', nameOf(cache.to), ...storePaths],
    env: {
      ...(await cacheEnvironment(cache, clientCache)),
      // Its settings might name another server, and hold another token.
      XDG_CONFIG_HOME: clientCache,
      ...(cache.tokenFile !== undefined && { CACHIX_AUTH_TOKEN: await tokenOf(cache.tokenFile) }),
    },
  }),
};

/** Whether who answers there has given out the token: it also writes. */
function isOfCachix(readUrl: string | undefined): boolean {
  if (readUrl === undefined) return true;
  const { protocol, hostname } = new URL(readUrl);
  return protocol === 'https:' && hostname.endsWith('.cachix.org');
}

const nameOf = (to: string): string => cacheAddress(to).slice('cachix://'.length);
