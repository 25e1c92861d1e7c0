import type { CommitStatus } from '../../model/forge/statuses.js';
import type { ForgeOptions } from '../../model/run/options.js';

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
  readonly labels: readonly string[];
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
  /** Opens a request, with labels that are made where they are missing. `null`: its branch has an open one. */
  open(request: NewRequest): Promise<ForgeRequest | null>;
  /** Gives a new request what its forge takes only when that is there; missing where it takes all at once. May be repeated. */
  complete?(number: number, request: NewRequest): Promise<void>;
  change(
    number: number,
    change: { readonly title?: string; readonly body?: string; readonly close?: true },
  ): Promise<void>;
  /** Texts of its comments. */
  comments(number: number): Promise<readonly string[]>;
  comment(number: number, body: string): Promise<void>;
  /** The newest status of each context that a commit has. */
  statuses(commit: string): Promise<readonly CommitStatus[]>;
  setStatus(commit: string, status: CommitStatus): Promise<void>;
  /** Name of the repository that the forge has sent us to; `null` when it has not moved. */
  moved(): Promise<string | null>;
}

export type OpenForge = (forge: ForgeOptions) => ForgeClient;
