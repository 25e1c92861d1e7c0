import type { DatedCommit, OldEnough, WaitingInput } from '../../../model/flake-lock/cooldown.js';
import type { FlakeLock, LockNode } from '../../../model/flake-lock/types.js';
import type { Source } from '../../../model/flake-lock/sources.js';
import type { NixSettings } from '../../../model/run/options.js';
import type { RefusedInput, UnfetchedInput } from '../../../model/verify/candidate.js';
import type { NixVersion } from '../../../model/nix/version.js';
import type { FlakeAtCommit, InputWish } from '../flake-file.js';
import type { FetchProxy } from './fetch-proxy.js';
import type { RemoteWatch } from './remote-watch.js';

/** Inputs that are asked for, or looked at, at the same time. */
export const INPUTS_AT_ONCE = 4;

/** A flake whose inputs are asked for. */
export interface AskedFlake {
  readonly flake: FlakeAtCommit;
  /** The lock at its commit; `null` when it has none. */
  readonly lock: FlakeLock | null;
  readonly version: NixVersion;
  readonly nix: NixSettings;
  readonly rules: SourceRules;
  /** Lends the folder of `flake.nix` in a work tree that nobody else uses. */
  readonly withFolder: <T>(work: (folder: string) => Promise<T>) => Promise<T>;
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

/** What upstream answered. */
export interface Answers {
  /** Text of the lock with what has moved; `null` when there is none: a flake without inputs gets none. */
  readonly lock: string | null;
  /** Inputs that could not be asked for: they stay where they are. */
  readonly unfetched: readonly UnfetchedInput[];
  /** Inputs that were not fetched whole for what they bring along: they stay, too. */
  readonly refused: readonly RefusedInput[];
  /** Inputs whose newest revision is too new. */
  readonly waiting: readonly WaitingInput[];
  /** What inputs of that lock bring along as submodules and are not permitted to. */
  readonly submodules: ReadonlyMap<string, readonly Source[]>;
}

/** What tells which sources an input may bring along. */
export interface SourceRules {
  /** The lock of base; `null` when there is none. */
  readonly lock: FlakeLock | null;
  /** What the owner's `flake.nix` says of its inputs; empty when that cannot be read as data. */
  readonly wishes: ReadonlyMap<string, InputWish>;
  /** Patterns of the owner. */
  readonly allowed: readonly string[];
  /** Names of this machine. */
  readonly own: readonly string[];
}
