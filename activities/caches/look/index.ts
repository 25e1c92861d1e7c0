import { cacheName } from '../../../model/caches/name.js';
import type { CacheKindName } from '../../../model/caches/kind-names.js';
import { file } from './file.js';
import { http, lookOver } from './http.js';
import { nixLooker } from './nix.js';
import type { CacheLooker } from './types.js';

/** A bucket is looked at where hosts read it, if that is known. */
const s3: CacheLooker = {
  look: (cache, paths, asking) =>
    cache.readUrl === undefined
      ? nixLooker.look(cache, paths, asking)
      : lookOver(cacheName(cache.readUrl), paths, { headers: {}, signal: asking.signal }),
};

/** How each kind of cache is looked at. */
export const cacheLookers = { file, http, s3, ssh: nixLooker } satisfies Readonly<Record<CacheKindName, CacheLooker>>;
