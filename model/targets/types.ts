export type VerdictKind = 'built' | 'evaluation-failed' | 'build-failed' | 'timed-out' | 'skipped';

/** What all kinds of targets have; a kind may have more. */
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
  /** What its labels begin with, so that no two targets of a run have the same; no name holds a colon. */
  readonly prefix: string;
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
  /**
   * What an agent is to do, as paragraphs of Markdown.
   * @param flake where the flake is, for people
   */
  task(target: T, flake: string): readonly string[];
}

/** A kind whose targets are attributes of the flake: they are evaluated, and built. */
export interface OutputKind<T extends AnyTarget> extends TargetKind<T> {
  /** The output of the flake that has them. */
  readonly output: string;
  /** Nix function from that output to the list of their names; it evaluates nothing but names. */
  readonly names: string;
  /** Path from that output to a target. */
  attribute(name: string): readonly string[];
  /** Path from there to the derivation; empty where the attribute is the derivation. */
  readonly derivation: readonly string[];
}
