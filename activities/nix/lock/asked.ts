import type { DatedCommit, OldEnough } from '../../../model/flake-lock/cooldown.js';
import type { FlakeLock, LockNode } from '../../../model/flake-lock/types.js';
import type { NixSettings } from '../../../model/run/options.js';
import type { NixVersion } from '../../../model/nix/version.js';
import type { FlakeAtCommit } from '../flake-file.js';
import type { FetchProxy } from './fetch-proxy.js';
import type { RemoteWatch } from './remote-watch.js';
import type { SourceRules } from './source-rules.js';

/** Inputs that are asked for, or looked at, at the same time. */
export const INPUTS_AT_ONCE = 4;

/** A folder of a work tree, which is made while work that does not need it begins. */
export interface TreeFolder {
  readonly path: string;
  readonly made: Promise<unknown>;
}

export interface AskedFlake {
  readonly flake: FlakeAtCommit;
  /** The lock at its commit; `null` when it has none. */
  readonly lock: FlakeLock | null;
  readonly version: NixVersion;
  readonly nix: NixSettings;
  readonly rules: SourceRules;
  /** Lends the folder of `flake.nix` in a work tree that nobody else uses. */
  readonly withFolder: <T>(work: (folder: TreeFolder) => Promise<T>) => Promise<T>;
  /** Lends an empty folder that nobody else can look into. */
  readonly withPrivateFolder: <T>(work: (folder: string) => Promise<T>) => Promise<T>;
  /** Ends what is running. */
  readonly signal: AbortSignal;
  readonly watch: RemoteWatch;
  readonly proxy: FetchProxy;
  /** `null` when revisions may be new. */
  readonly cooldown: CooldownRules | null;
}

/** How old revisions of inputs have to be. */
export interface CooldownRules {
  /** Of an input; 0 when its revisions may be new. */
  readonly seconds: (name: string) => number;
  /** Seconds since 1970: newer revisions of an input wait; `null` when they may be new. */
  readonly latest: (name: string) => number | null;
  /** Looks for the newest revision of an input that is old enough; `null` when its history cannot be had. */
  readonly find: (newest: LockNode, latest: number, locked: DatedCommit | null) => Promise<OldEnough | 'unread' | null>;
}
