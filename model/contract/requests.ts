import type { Candidate } from '../verify/candidate.js';
import type { MergeMethod, Merger } from '../forge/merging.js';
import type { ForgeOptions, Repository } from '../run/options.js';
import type { InsteadOf, MergedRequest, Report, ReportedRequest } from '../report/data.js';
import type { EachRequest, RequestPart } from '../landing/parts.js';
import type { LandResult } from './landing.js';

/** A pull request as far as it says what may become of its branch. */
export interface SeenRequest {
  readonly branch: string;
  readonly number: number;
  /** `declined`: a person closed it without merging it. `theirs`: it is open, and Lockkeeper did not open it. */
  readonly state: 'open' | 'theirs' | 'declined' | 'done';
}

export interface FindRequestsInput {
  readonly repository: Repository;
  readonly forge: ForgeOptions;
  /** The branch of pull requests. */
  readonly branch: string;
  /** What is going to be proposed; missing when nothing is yet. */
  readonly candidate?: Candidate;
  /** What of it the request is about; missing: the whole lock. */
  readonly part?: RequestPart;
  /** Who will merge it, and how, so that what cannot be is known at once; missing where a person does, and in older runs. */
  readonly merge?: Merger;
  readonly mergeMethod?: MergeMethod;
  /** Whether a question follows that reviews and comments answer. */
  readonly asks?: true;
  /** What earlier runs left to the forge is taken back, if not gone on with; missing later and in older runs. */
  readonly earlier?: { readonly instance: string; readonly perInput: boolean };
}

/** The newest review and the newest comment of some time, by ids that grow; `null`: there was none. */
export interface NewestWords {
  readonly approval: number | null;
  readonly comment: number | null;
}

export interface FoundRequests {
  readonly requests: readonly SeenRequest[];
  /** Hash of the candidate's lock, or of what the lock has of the inputs that the request is about; `null` without a candidate. */
  readonly lock: string | null;
  /** The request with this lock that a person closed; `null` when nobody did. */
  readonly declined: ReportedRequest | null;
  /** What was said on open requests before the question; missing where none follows, and from older workers. */
  readonly said?: NewestWords;
  /** Whether the instance has open requests of single inputs, although it proposes all in one now; missing when not. */
  readonly ofInputs?: true;
}

export interface ProposeInput {
  readonly repository: Repository;
  readonly forge: ForgeOptions;
  readonly branch: string;
  /** The commit of the update. */
  readonly commit: string;
  /** `FoundRequests.lock`. */
  readonly lock: string | null;
  /** As of `FindRequestsInput`. */
  readonly part?: RequestPart;
  readonly labels: readonly string[];
  /** As `Landing` has them; missing when there are none, and in older runs. */
  readonly assignees?: readonly string[];
  readonly reviewers?: readonly string[];
  readonly milestone?: string;
  readonly asDraft?: true;
  /** Who merges the request; missing in older runs. */
  readonly merge?: Merger;
  /** Whether the run waits for an approval on it. */
  readonly asks?: true;
  /** Whether it had one, for another update; missing when not, and in older runs. */
  readonly asksAgain?: true;
  /** `LandResult.leftAlone`. */
  readonly leftAlone: readonly InsteadOf[];
  /** Whether this request takes the place of the instance's open ones in `leftAlone`; missing when not, and in older runs. */
  readonly perRun?: true;
  /** The newest request that a person closed, whose place this one takes; missing when there is none. */
  readonly replaces?: number;
  /** As the run ends if the request can be opened. */
  readonly report: Report;
  /** Web address of the site that will have the report; missing when there is none. */
  readonly siteUrl?: string;
}

export interface FollowInput {
  readonly repository: Repository;
  readonly forge: ForgeOptions;
  readonly number: number;
  /** Branch of the request. */
  readonly branch: string;
  /** The commit that was verified, which the branch is at. */
  readonly commit: string;
  /** Has that commit, or one with the same files. */
  readonly candidate: Candidate;
  /** Who merges it now; `never`: it is only looked at. */
  readonly merge: Merger;
  /** Missing: by fast-forward where the repository allows it, else as it does it usually. */
  readonly mergeMethod?: MergeMethod;
  /** Whether reviews and comments answer a question of the run. */
  readonly answers?: true;
  /** Only what was said later is an answer; missing in older runs, where everything is. */
  readonly laterThan?: NewestWords;
}

export type RequestState =
  | {
      readonly kind: 'open';
      /** What it waits for before it can be merged, as a clause; `null` when it is only looked at, and nothing is odd. */
      readonly waitsFor: string | null;
    }
  | { readonly kind: 'approved'; readonly by: string; readonly comment: string | null }
  | ({ readonly kind: 'merged' } & MergedRequest)
  | { readonly kind: 'closed'; readonly by: string | null }
  | {
      readonly kind: 'moved';
      /** Commit that its branch is at; `null`: at none. */
      readonly head: string | null;
      /** Branch that it is to be merged into by now, or was; missing where that is main. */
      readonly into?: string;
      /** What it became there; missing where it is not merged. */
      readonly merged?: Omit<MergedRequest, 'asVerified'>;
    }
  /** The main branch is not where the update began. */
  | Extract<LandResult, { readonly kind: 'main-moved' }>;

export interface StatusesInput {
  readonly forge: ForgeOptions;
  readonly commit: string;
  readonly report: Report;
  /** Targets that are being verified; missing when all verdicts are in. */
  readonly pending?: readonly string[];
  /** As `ProposeInput` has it. */
  readonly siteUrl?: string;
}

export interface CloseRequestsInput {
  /** Workflow id. */
  readonly run: string;
  /** Of a run that proposes each input by itself, or did so before, and closes what it needs no more of earlier ones. */
  readonly each?: EachRequest;
  /** Commit of main whose lock has all inputs; missing where single inputs do not count, and in older runs. */
  readonly base?: string;
  readonly repository: Repository;
  readonly forge: ForgeOptions;
  /** The branch of pull requests. */
  readonly branch: string;
}
