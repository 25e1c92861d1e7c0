import { cacheKindName, cacheKinds } from '../../model/caches/kinds/index.js';
import type { Cache, CacheKind } from '../../model/caches/types.js';
import type { PathInfo } from '../../model/closure/path-info.js';
import { cacheHandlers } from './kinds/index.js';
import type { Asking, CacheHandler } from './types.js';
import { lookOver } from './look/over-http.js';
import type { SeenPath } from './narinfo.js';
import { sha256Bytes } from './nar-hash.js';
import { isSigned, publicHalf, trustedKeys, type TrustedKeys } from './signature.js';

export type PathFault = 'missing' | 'archive-missing' | 'other-content' | 'unsigned';

/** Paths that a host could not fetch, and why not. */
export type PathFaults = ReadonlyMap<PathInfo, PathFault>;

/** The key of cache.nixos.org, which every host trusts that was not told otherwise. */
const NIXOS_KEY = 'cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=';

export const handlerOf = ({ to }: Cache): CacheHandler => cacheHandlers[cacheKindName(to) ?? 'file'];

const kindOf = ({ to }: Cache): CacheKind => cacheKinds[cacheKindName(to) ?? 'file'];

/** Other caches that hosts of a cache fetch from. */
const upstreamsOf = (cache: Cache): readonly string[] => cache.upstreams ?? kindOf(cache).upstreams;

/**
 * The keys by one of which each path has to be signed; `null` where nobody has to sign: no key was named, or the store of
 * another machine is filled.
 * @throws CacheFault
 */
export async function keysOf(cache: Cache): Promise<TrustedKeys | null> {
  const { trustedKeys: named, secretKeyFile } = cache;
  if (!kindOf(cache).fields.includes('trustedKeys')) return null;
  if (named === undefined && secretKeyFile === undefined) return null;
  const own = named ?? (secretKeyFile === undefined ? [] : [await publicHalf(secretKeyFile)]);
  return trustedKeys([...own, ...(upstreamsOf(cache).length > 0 ? [NIXOS_KEY] : [])]);
}

/** Looks for paths in the cache, and for what it lacks in its upstreams. @throws CacheFault if one gives no answer */
export async function lookAt(
  cache: Cache,
  paths: readonly PathInfo[],
  keys: TrustedKeys | null,
  asking: Asking,
): Promise<PathFaults> {
  let faults = faultsIn(paths, await handlerOf(cache).look(cache, paths, asking), keys);
  for (const upstream of upstreamsOf(cache)) {
    if (faults.size === 0) break;
    const seen = await lookOver(upstream.replace(/\/+$/, ''), [...faults.keys()], {
      headers: {},
      signal: asking.signal,
    });
    const there = faultsIn([...faults.keys()], seen, keys);
    faults = new Map([...faults].filter(([info]) => there.has(info)));
  }
  return faults;
}

const faultsIn = (
  paths: readonly PathInfo[],
  seen: ReadonlyMap<string, SeenPath>,
  keys: TrustedKeys | null,
): PathFaults =>
  new Map(
    paths.flatMap((info) => {
      const fault = faultOf(info, seen.get(info.path), keys);
      return fault === null ? [] : [[info, fault] as const];
    }),
  );

/** What keeps a host, which knows of a path what the cache says alone, from fetching it. */
export function faultOf(info: PathInfo, seen: SeenPath | undefined, keys: TrustedKeys | null): PathFault | null {
  if (seen === undefined) return 'missing';
  const [own, theirs] = [info.narHash ?? '', seen.narHash].map(sha256Bytes);
  if (seen.storePath !== info.path || own == null || theirs == null || !own.equals(theirs)) return 'other-content';
  if (!seen.hasArchive) return 'archive-missing';
  const standsForItself = info.isContentAddressed && seen.isContentAddressed;
  return keys === null || standsForItself || isSigned(info, seen.signatures, keys) ? null : 'unsigned';
}
