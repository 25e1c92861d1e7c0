export type VerdictKind = 'built' | 'evaluation-failed' | 'build-failed' | 'timed-out' | 'skipped';

export interface AnyTarget {
  readonly kind: string;
  readonly name: string;
}

/** A kind of things to verify. Its members live in this folder, one file each, and are registered in `index.ts`. */
export interface TargetKind<T extends AnyTarget> {
  /** One of them, for people. */
  readonly noun: string;
  /** What is said of one that holds, as in `3 of 4 hosts built`. */
  readonly good: string;
  /** What its labels and patterns begin with, so that no two targets of a run have the same. */
  readonly prefix: string;
  /** Which names behind the prefix are of this kind, where it shares the prefix with a kind that has all others. */
  readonly owns?: (name: string) => boolean;
  /** What people read of a verdict. */
  readonly verdicts: Readonly<Record<VerdictKind, string>>;
  /** What people read while it is built, or runs. */
  readonly building: string;
  /** What is said of a broken one that stops nothing. */
  readonly notRequired: string;
  /** That it is broken, with its name, for the message of a commit. */
  breakage(name: string, verdict: VerdictKind): string;
  /** The same for an agent, without its name. */
  complaint(verdict: VerdictKind): string;
  /** What an agent is to do, as paragraphs of Markdown. @param flake where the flake is, for people */
  task(target: T, flake: string): readonly string[];
}

/** A kind whose targets are attributes of the flake: they are evaluated, and built. */
export interface OutputKind<T extends AnyTarget> extends TargetKind<T> {
  /** The output of the flake that has them; `null` where it may be any. */
  readonly output: string | null;
  /** A pattern that means some of them, for people. */
  readonly example: string;
  /**
   * Path from the flake's outputs to a target. A pattern is read as a name is; `*` then stands for any characters within one name
   * of the path.
   * @throws `NoName`, which says how one is written
   */
  readonly path: (name: string) => readonly string[];
  /** The name of the target at a path; undoes `path`. */
  readonly nameAt: (path: readonly string[]) => string;
  /** How many names of a path are looked up in the flake, the first included; what follows them is only known by evaluating the target. */
  readonly looked: (path: readonly string[]) => number;
  /** Path from there to the derivation; empty where the attribute is the derivation. */
  readonly derivation: readonly string[];
  /** Nix function from the derivation to the one that is built; missing where it is itself. */
  readonly built?: string;
}

/** A text that names no target of a kind. The message is the end of a sentence about it. */
export class NoName extends Error {
  override readonly name = 'NoName';
}
