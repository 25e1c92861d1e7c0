import type { Candidate, MovedInput, RefusedInput, UnfetchedInput } from '../verify/candidate.js';
import type { WaitingInput } from '../flake-lock/cooldown.js';
import type { Advice } from '../flake-lock/advice.js';
import type { InputGroup } from '../run/input-groups.js';
import type { Person } from '../git/person.js';
import type { Signing } from '../git/signing.js';
import type { Cooldown, NixSettings, Repository } from '../run/options.js';

export interface UpdateLockInput {
  readonly repository: Repository;
  readonly base: string;
  readonly inputs: 'all' | readonly string[];
  /** Root inputs that are left out of all. */
  readonly excludeInputs?: readonly string[];
  /** Groups of root inputs, of which the next one in turn is updated that has something to move; instead of `inputs`. */
  readonly inputGroups?: readonly InputGroup[];
  /** Whose turns these are; missing in older runs. */
  readonly instance?: string;
  /** How old revisions have to be at `date`; missing where they may be new, and in older runs. */
  readonly cooldown?: Cooldown;
  /** Root inputs that the run's policy names, which the flake has to have; missing in older runs. */
  readonly named?: readonly string[];
  /** Whether an input may move to an older revision, because a person is asked before it lands; missing in older runs. */
  readonly mayGoBack?: boolean;
  readonly nix: NixSettings;
  readonly run: string;
  readonly author: Person;
  readonly committer: Person;
  /** Author and committer date of the draft: seconds since 1970, the run's start. */
  readonly date: number;
}

/** The fields that say which inputs are to move. */
type InputChoice = 'inputs' | 'excludeInputs' | 'inputGroups' | 'instance' | 'cooldown' | 'named' | 'mayGoBack';

export type LockUpdate =
  | {
      readonly kind: 'unchanged';
      readonly unfetched: readonly UnfetchedInput[];
      /** Missing when there are none, and in older runs. */
      readonly refused?: readonly RefusedInput[];
      /** Whether upstream answered for not one input; missing when it did, and in older runs. */
      readonly noneAsked?: true;
      /** Inputs whose newest revision is too new; missing when there are none, and in older runs. */
      readonly waiting?: readonly WaitingInput[];
      /** What the lock tells about its inputs; missing from older workers, and when it tells nothing. */
      readonly advice?: readonly Advice[];
    }
  | {
      readonly kind: 'updated';
      readonly draft: Candidate;
      readonly moved: readonly MovedInput[];
      readonly unfetched: readonly UnfetchedInput[];
      /** As above. */
      readonly refused?: readonly RefusedInput[];
      /** As above. */
      readonly waiting?: readonly WaitingInput[];
      /** Whose turn it was, if inputs take turns. */
      readonly group?: InputGroup;
      /** As above. */
      readonly advice?: readonly Advice[];
    };

export interface CommitInput {
  readonly repository: Repository;
  readonly draft: Candidate;
  readonly message: string;
  readonly author: Person;
  readonly committer: Person;
  readonly date: number;
  /** What signs the commit; missing where nothing does. */
  readonly signing?: Signing;
  /** How the commit is going to be evaluated, so that its source may be fetched meanwhile; missing in older runs. */
  readonly nix?: NixSettings;
  /** Update branch that it is for: the same update on it is that commit. Missing where it goes to none, and in older runs. */
  readonly branch?: string;
}

export interface ComposeInput extends Omit<UpdateLockInput, 'base' | 'nix' | InputChoice> {
  readonly candidate: Candidate;
  /** Root inputs that are as the candidate has them; the others are as base has them. */
  readonly move: readonly string[];
}

export interface ApplyFixInput extends Omit<CommitInput, 'draft' | 'message' | 'nix' | 'branch'> {
  readonly candidate: Candidate;
  readonly fix: Candidate;
}

export interface CarryOverInput extends Omit<UpdateLockInput, 'base' | InputChoice> {
  readonly candidate: Candidate;
  /** Root inputs that the candidate moved. */
  readonly moved: readonly string[];
  /** The commit that main is at now. */
  readonly onto: string;
}
