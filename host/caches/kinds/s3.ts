import { cacheAddress } from '../../../model/caches/name.js';
import { lookByNix } from '../look/nix.js';
import { lookOver } from '../look/over-http.js';
import { signedByNix } from '../nix-commands.js';
import type { CacheHandler } from '../types.js';

/** A bucket is looked at where hosts read it, if that is known. */
export const s3: CacheHandler = {
  ...signedByNix,
  look: (cache, paths, asking) =>
    cache.readUrl === undefined
      ? lookByNix(cache, paths, asking)
      : lookOver(cacheAddress(cache.readUrl), paths, { headers: {}, signal: asking.signal }),
};
