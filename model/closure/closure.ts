import type { VulnerabilityChange } from '../advisories/vulnerability.js';
import type { PackageName } from './package-name.js';
import type { Switching } from './switching.js';

export interface ClosurePath {
  /** Whole path: `/nix/store/<hash>-<name>`. */
  readonly path: string;
  /** Bytes of its NAR. */
  readonly narSize: number;
  readonly name: PackageName;
  /** Vulnerabilities that patches of its derivation name; missing where there are none, and where it is not in the store. */
  readonly patched?: readonly string[];
}

/** All that a target needs at run time. */
export interface Closure {
  readonly paths: readonly ClosurePath[];
  /** Paths that the system names itself: what `sw` of a NixOS system refers to. */
  readonly selected: ReadonlySet<string>;
}

/**
 * - `up`, `down`: all versions that changed did so in this direction
 * - `changed`: other versions, with no order or in both directions
 * - `added`, `removed`: the package was not there, or is not any more
 * - `copies`: more or fewer copies, or one version more or less beside those that stay
 * - `outputs`: the same versions with other outputs
 * - `rebuilt`: the same versions and outputs from another build
 */
export const CHANGE_KINDS = ['up', 'down', 'changed', 'added', 'removed', 'copies', 'outputs', 'rebuilt'] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** One package whose store paths differ. */
export interface PackageChange {
  readonly name: string;
  readonly kind: ChangeKind;
  /** Versions before and after, without those on both sides; of what only came in other copies, outputs or builds all of them. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** Bytes of all its paths, before and after. */
  readonly sizes: readonly [before: number, after: number];
  /** Whether the system names it itself, now or before; missing for dependencies. */
  readonly selected?: true;
}

export interface ClosureChange {
  /** Bytes of the closure before and after. */
  readonly sizes: readonly [before: number, after: number];
  /** How many packages changed in each way, the unlisted ones too; kinds that nothing has are missing. */
  readonly counts: Readonly<Partial<Record<ChangeKind, number>>>;
  /** The most important ones first; perhaps not all. */
  readonly packages: readonly PackageChange[];
  /** How many names of units, settings, sources and the system itself changed. */
  readonly configuration: number;
  /** Another target of the report whose packages these are, which are listed there alone; missing when they are listed here. */
  readonly sameAs?: string;
  /** Known vulnerabilities that come and go; missing where nobody asked, and in older runs. */
  readonly vulnerabilities?: VulnerabilityChange;
}

export type TargetChange =
  | ({
      readonly kind: 'compared';
      readonly switching: Switching;
      /**
       * `cache`: base's closure is only in a cache, which does not tell of switch inhibitors; `build`: it was built to be compared with.
       * Missing when the machine had it.
       */
      readonly from?: 'cache' | 'build';
    } & ClosureChange)
  | NoBase;

/** Base's closure is not on the machine that built the target, and no cache has it. */
export interface NoBase {
  readonly kind: 'no-base';
  /** Bytes of the new closure. */
  readonly size: number;
  /** Why base could not be built to be compared with; missing where nobody asked for that. */
  readonly buildError?: string;
  /** What the derivations tell: what both would be built of, without sizes; missing where they are not there. */
  readonly derivations?: ClosureChange;
}
