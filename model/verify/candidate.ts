import type { Repository } from '../run/options.js';

/** A commit that a run proposes, in the form in which it travels between machines. */
export type Candidate = CandidateOnRemote | CandidateInBundle;

interface CommitOfRun {
  /** Commit that the run started from: 40 or 64 hexadecimal digits. */
  readonly base: string;
  readonly head: string;
  /** The Nix that wrote its lock, as `nix --version` names it; missing where none did, and in older runs. */
  readonly lockedBy?: string;
}

/** The remote has `head`: each machine fetches it from there. */
interface CandidateOnRemote extends CommitOfRun {
  readonly bundle: '';
}

interface CandidateInBundle extends CommitOfRun {
  /** Thin Git bundle (version 2) of `base..head` with the single ref `HEAD`, base64. */
  readonly bundle: string;
}

export const candidateOnRemote = (base: string, head = base): CandidateOnRemote => ({ base, head, bundle: '' });

export const isOnRemote = (candidate: Candidate): candidate is CandidateOnRemote => candidate.bundle === '';

/** What names one candidate for Nix: the mirror of `repository` gets the bundle installed when it lacks `commit`. */
export interface CandidateSource {
  readonly repository: Repository;
  readonly candidate: Candidate;
}

/** A candidate whose lock is made of what another one's holds. */
export const withLockOf = (candidate: Candidate, { lockedBy }: Candidate): Candidate =>
  lockedBy === undefined ? candidate : { ...candidate, lockedBy };

/** The limit of a candidate's bundle, in bytes before base64. A larger one is a clear failure, never a truncated one. */
export const BUNDLE_LIMIT_BYTES = 256 * 1024;

export interface Base {
  readonly commit: string;
  /** Full text of things left out, for people: unpushed commits and uncommitted files of the owner's checkout. */
  readonly leftOut: readonly string[];
}

/** One root input that moved between two locks. Empty strings are never used: what is not known is `null`. */
export interface MovedInput {
  /** Root input's name, as in `flake.nix`. */
  readonly name: string;
  /** Kind of the source in the new lock: `github`, `git`, `path`, `tarball`, … */
  readonly kind: string;
  readonly from: InputRevision | null;
  readonly to: InputRevision | null;
  /** Web page that compares the two revisions, where the host is known. */
  readonly compareUrl: string | null;
  /** Nested inputs that moved below this one, as `a/b` paths; the input itself may not have moved. */
  readonly nested: readonly string[];
  /** What is known of the first of them; missing in older runs. */
  readonly nestedMoves?: readonly NestedMove[];
  /** Whether the new revision is older than the one before, of the same branch; missing when not, and in older runs. */
  readonly goesBack?: true;
}

export interface NestedMove extends Pick<MovedInput, 'from' | 'to' | 'compareUrl'> {
  /** As in `nested`. */
  readonly path: string;
  /** Where it comes from now, and came from before; missing when it is the same source, and in older runs. */
  readonly source?: { readonly from: string; readonly to: string };
}

export interface InputRevision {
  /** Full revision, or the narHash (`sha256-…`) for sources without one. */
  readonly revision: string;
  /** Eight to eleven characters for people. */
  readonly short: string;
  /** `YYYY-MM-DD` of lastModified, in UTC. */
  readonly date: string | null;
}

/** An input that stayed where it was although it was asked to move. */
export interface UnfetchedInput {
  readonly name: string;
  /** Why, in at most 1,000 bytes: what Nix or the fetcher said, without colours. */
  readonly reason: string;
}

/** An input that stays where it was for what its new revision brings along. */
export interface RefusedInput extends Pick<MovedInput, 'name' | 'from' | 'to' | 'compareUrl'> {
  /** Sources that it did not have before and that the owner has not accepted: at most ten, as `allowSources` takes them. */
  readonly sources: readonly string[];
}
