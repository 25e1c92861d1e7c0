import type { Cache } from '../../model/caches/types.js';
import type { PathInfo } from '../../model/closure/path-info.js';
import type { NixVersion } from '../../model/nix/version.js';
import type { NixSettings } from '../../model/run/options.js';
import type { CommandEnd, CommandOptions } from '../command.js';
import type { SeenPath } from './narinfo.js';

/** How caches of one kind are looked at and filled, without what a client of Nix remembers of them. */
export interface CacheHandler {
  /** What the cache says of paths; those that it lacks are left out. @throws CacheFault when it gives no answer */
  readonly look: (cache: Cache, paths: readonly PathInfo[], asking: Asking) => Promise<ReadonlyMap<string, SeenPath>>;
  /** Makes the cache forget paths whose archives are gone or cut, and these archives, so that they can be uploaded again; missing where nobody can. */
  readonly forget?: (cache: Cache, paths: readonly PathInfo[], signal: AbortSignal) => Promise<void>;
  /** The command that uploads the closures of paths. @throws CacheFault when a file of secrets cannot be used */
  readonly upload: (cache: Cache, storePaths: readonly string[], using: Using) => Promise<CacheCommand>;
  /** The path that a line of that command says is uploaded; `null` for another line. */
  readonly copied: (line: string) => string | null;
  /** The command that signs what the cache has of these closures already; missing where nobody can. */
  readonly sign?: (cache: Cache, storePaths: readonly string[], using: Using) => Promise<CacheCommand>;
}

export interface Asking {
  readonly signal: AbortSignal;
  readonly nix: NixSettings;
  /** Empty folder for what a client of Nix remembers. */
  readonly clientCache: string;
  /** Runs `nix`. */
  readonly ask: (args: readonly string[], options: CommandOptions) => Promise<CommandEnd>;
}

export interface Using {
  readonly nix: NixSettings;
  readonly version: NixVersion;
  /** Folder for what a client remembers and for its settings. */
  readonly clientCache: string;
}

export interface CacheCommand {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}
