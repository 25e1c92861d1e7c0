import type { FlakeLock } from '../../../model/flake-lock/types.js';
import type { NixSettings } from '../../../model/run/options.js';
import type { RefusedInput, UnfetchedInput } from '../../../model/verify/candidate.js';
import type { NixVersion } from '../commands.js';
import type { FlakeAtCommit, InputWish } from './flake-file.js';
import type { RemoteWatch } from './remote-watch.js';

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
}

/** What upstream answered. */
export interface Answers {
  /** Text of the lock with what has moved; `null` when there is none: a flake without inputs gets none. */
  readonly lock: string | null;
  /** Inputs that could not be asked for: they stay where they are. */
  readonly unfetched: readonly UnfetchedInput[];
  /** Inputs that were not fetched whole for what they bring along: they stay, too. */
  readonly refused: readonly RefusedInput[];
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
