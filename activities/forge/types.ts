import type { MergeMethod, Merger } from '../../model/forge/merging.js';
import type { CommitStatus } from '../../model/report/forge/statuses.js';
import type { ForgeOptions } from '../../model/run/options.js';
import type { Missed } from './given.js';

/** A pull request as a forge has it. Everything in it is outside text. */
export interface ForgeRequest {
  readonly number: number;
  /** Its web page. */
  readonly url: string;
  readonly isOpen: boolean;
  readonly isMerged: boolean;
  /** Branch of the repository itself; `null` when it is one of a fork, or gone. */
  readonly branch: string | null;
  /** Commit that the branch is at. */
  readonly head: string;
  /** Branch that it is to be merged into. */
  readonly into: string;
  readonly title: string;
  readonly body: string;
}

export interface NewRequest extends Pick<ForgeRequest, 'title' | 'body' | 'into'> {
  readonly branch: string;
  readonly draft: boolean;
  readonly labels: readonly string[];
  readonly assignees: readonly string[];
  /** Accounts, and teams as `ORGANIZATION/TEAM`. */
  readonly reviewers: readonly string[];
  /** Title of one that is open. */
  readonly milestone: string | null;
}

export interface ForgeComment {
  /** A later comment has a larger one. */
  readonly id: number;
  /** Account that wrote it; empty when that is gone. */
  readonly by: string;
  readonly body: string;
}

/**
 * The half of a forge that asks it, for one repository. Its members live in this folder, one file each, and are registered in
 * `index.ts`; what is known without asking is in `model/forge/`. All throw `ForgeUnreachable`, which may pass, and
 * `ForgeRefused` and `TokenFile`, which do not.
 */
export interface ForgeClient {
  /** Requests of a state, those that were changed last first; of closed ones only as many as a few pages hold. */
  requests(state: 'open' | 'closed'): Promise<readonly ForgeRequest[]>;
  /** Fails where the token may open no requests, and changes nothing. */
  tryRights(): Promise<void>;
  /** Opens a request. `null`: its branch has an open one. */
  open(request: NewRequest): Promise<ForgeRequest | null>;
  /** Gives a new request labels, which are made where they are missing, and all else. May be repeated. @returns what it could not give */
  complete(number: number, request: NewRequest): Promise<Missed>;
  change(
    number: number,
    change: { readonly title?: string; readonly body?: string; readonly close?: true },
  ): Promise<void>;
  /** Its comments, the oldest first. */
  comments(number: number): Promise<readonly ForgeComment[]>;
  comment(number: number, body: string): Promise<void>;
  /** The newest status of each context that a commit has, set by whomever. */
  statuses(commit: string): Promise<readonly CommitStatus[]>;
  setStatus(commit: string, status: CommitStatus): Promise<void>;
  /** Name of the repository that the forge has sent us to; `null` when it has not moved. */
  moved(): Promise<string | null>;
  readonly merging: ForgeMerging;
}

export interface ForgeMerging {
  /** One request, as it is now. @throws `ForgeRefused` when it is gone */
  request(number: number): Promise<FollowedRequest>;
  /** Account that closed a request; `null` when the forge does not say. */
  closedBy(number: number): Promise<string | null>;
  /** A branch of the repository as it is now; `null` when it is gone. */
  branch(name: string): Promise<ForgeBranch | null>;
  /** Newest approving review of each account that has not asked for changes since; dismissed ones are left out. */
  approvals(number: number): Promise<readonly ForgeApproval[]>;
  /** Whether an account may push to the repository; `null` when the forge does not tell the token's owner. */
  mayPush(account: string): Promise<boolean | null>;
  /** `ForgeClient.statuses`, and checks of other kinds where a branch can require them: those at least that meet what is required. */
  checks(commit: string, required: readonly RequiredStatus[]): Promise<readonly CommitStatus[]>;
  /** How the repository lets requests be merged, the best way first. @param by whether the forge is to do it later */
  methods(by: Exclude<Merger, 'never'>): Promise<readonly MergeMethod[]>;
  /**
   * Why the forge may not merge into a branch by itself, because it would merge also what nobody has verified: a clause, and what
   * to do about it; `null` when it may.
   */
  unguarded(name: string, branch: ForgeBranch): Promise<string | null>;
  /**
   * Merges a request now, if its branch is at exactly this commit.
   * @returns the forge's reason for not doing so now, which may pass (checks, approvals, conflicts, another commit); `null`: merged
   */
  merge(number: number, how: HowToMerge): Promise<string | null>;
  /** Lets the forge merge a request as soon as its branch's rules are met; one that it is to merge already stays so. @returns as above */
  mergeLater(number: number, how: HowToMerge): Promise<string | null>;
  /** Takes `mergeLater` back, also where there is nothing to take back. */
  takeBack(number: number): Promise<void>;
  /** The same, if it was asked for by the account that opened the request, which is ours. */
  takeOwnBack(number: number): Promise<void>;
}

export interface HowToMerge {
  /** The commit that was verified. */
  readonly commit: string;
  /** Branch that was looked at before. */
  readonly into: string;
  readonly method: MergeMethod;
  /** Message of a commit that the forge makes; the report, which is the text of the request, is not for it. */
  readonly title: string;
  readonly message: string;
}

export interface FollowedRequest extends ForgeRequest {
  /** What it became on the branch that it was merged into, and who merged it; `null` while it is not merged. */
  readonly merged: { readonly commit: string; readonly by: string | null } | null;
}

export interface ForgeBranch {
  /** Commit that it is at. */
  readonly tip: string;
  /** Statuses without which the forge merges nothing into it. */
  readonly requires: readonly RequiredStatus[];
}

export interface RequiredStatus {
  /** As the branch's rules name it, for people. */
  readonly name: string;
  /** Whether a status of that context is meant. */
  readonly matches: (context: string) => boolean;
}

export interface ForgeApproval {
  /** A later approval has a larger one. */
  readonly id: number;
  readonly by: string;
  /** Commit that was reviewed. */
  readonly commit: string;
  readonly body: string;
  /** Whether the forge counts the review as one of somebody who may push; `null` where it does not say. */
  readonly isOfficial: boolean | null;
}

export type OpenForge = (forge: ForgeOptions) => ForgeClient;
