import { checkCache, type CheckDepth, type CheckedCache } from '../../host/caches/check.js';
import { sideBySide } from '../../host/side-by-side.js';
import type { Cache } from '../../model/caches/types.js';
import type { NixSettings } from '../../model/run/options.js';
import { askProgram } from '../flake/ask-program.js';
import { findInstance, type LoadedConfiguration } from '../options/config-file.js';

/** A cache, and what a person called it by: the instance that names it, or the flag. */
export interface NamedCache {
  readonly cache: Cache;
  readonly instances: readonly string[];
  readonly options: NixSettings['options'];
}

export interface ListedCache extends CheckedCache {
  /** Instances that upload to it; empty for one of `--cache`. */
  readonly instances: readonly string[];
}

const AT_ONCE = 8;

/** Each cache of some instances once, in the order in which they are filled. */
export function cachesOf(configuration: LoadedConfiguration, only: string | null): readonly NamedCache[] {
  const instances = only === null ? configuration.instances : [findInstance(configuration, only)];
  const found = new Map<string, NamedCache>();
  for (const { name, caches: own, nixOptions } of instances)
    for (const cache of own) {
      const key = JSON.stringify(cache);
      const options = Object.entries(nixOptions);
      const known = found.get(key) ?? { cache, instances: [], options };
      found.set(key, { ...known, instances: [...known.instances, name] });
    }
  return [...found.values()].sort((one, other) => one.cache.priority - other.cache.priority);
}

export const checkCaches = (named: readonly NamedCache[], depth: CheckDepth): Promise<readonly ListedCache[]> =>
  sideBySide(named, AT_ONCE, async ({ cache, instances, options }) => ({
    ...(await checkCache(cache, depth, {
      nix: { options, impure: false, acceptFlakeConfig: false },
      signal: new AbortController().signal,
      run: (program, args, its) => askProgram(program, args, { ...its, isRemote: true }),
    })),
    instances,
  }));

/** How a cache stands, in words: `required, signed by cache-1, takes uploads`. */
export function cacheWords({ required, priority, signedBy, trusted, reachable, writable }: CheckedCache): string {
  const words = [
    required ? 'required' : 'not required',
    `priority ${priority}`,
    signedBy !== null ? `signed by ${signedBy}` : trusted === null ? 'signatures not looked at' : 'signed by the cache',
    trusted === null || (signedBy !== null && trusted.length === 1 && trusted[0] === signedBy)
      ? ''
      : `hosts trust ${trusted.join(', ')}`,
    writable === true ? 'takes uploads' : reachable === true ? 'answers' : '',
  ];
  return words.filter((each) => each !== '').join(', ');
}
