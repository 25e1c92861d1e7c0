import type { PathInfo } from '../../../model/closure/path-info.js';
import type { Cache } from '../../../model/caches/types.js';
import type { NixSettings } from '../../../model/run/options.js';
import type { SeenPath } from '../narinfo.js';

/** How caches of one kind are looked at, without what a client of Nix remembers of them. */
export interface CacheLooker {
  /**
   * What the cache says of some paths; those that it does not have are left out.
   * @throws CacheFault when it gives no answer
   */
  readonly look: (cache: Cache, paths: readonly PathInfo[], asking: Asking) => Promise<ReadonlyMap<string, SeenPath>>;
  /** Makes the cache forget paths whose archives are gone, so that they can be uploaded again; missing where nobody can. */
  readonly forget?: (cache: Cache, paths: readonly PathInfo[]) => Promise<void>;
}

export interface Asking {
  readonly signal: AbortSignal;
  readonly nix: NixSettings;
  /** Empty folder for what a client of Nix remembers. */
  readonly clientCache: string;
}
