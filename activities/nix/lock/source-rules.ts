import type { FlakeLock } from '../../../model/flake-lock/types.js';
import type { InputWish } from '../flake-file.js';

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
