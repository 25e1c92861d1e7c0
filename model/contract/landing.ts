import type { Candidate } from '../verify/candidate.js';
import type { Channel } from '../channels/names.js';
import type { DueNews } from '../channels/standing.js';
import type { RunEnd } from '../instance/record.js';
import type { FailureLimit, LandingMode, Repository } from '../run/options.js';
import type { InsteadOf } from '../report/data.js';
import type { SeenRequest } from './requests.js';

export interface LandInput {
  readonly repository: Repository;
  readonly candidate: Candidate;
  readonly mode: Exclude<LandingMode, 'none'>;
  readonly instance: string;
  /** Workflow id; missing in older runs. */
  readonly run?: string;
  /** Wanted branch, for example `flake-update-20261121`. */
  readonly branch: string;
  /** Branch to use when `branch` is not to be replaced. */
  readonly fallbackBranch: string;
  /** How update branches begin, if older ones are to be looked for; missing when not, and in older runs. */
  readonly branchPrefix?: string;
  /** Pull requests of update branches, the newest of each; missing where the update lands otherwise, and in older runs. */
  readonly requests?: readonly SeenRequest[];
  /** Whether it goes to no branch but one that has it, or a new one, `fallbackBranch`; missing when not, and in older runs. */
  readonly perRun?: true;
}

export interface SeenBranch {
  readonly branch: string;
  readonly commit: string;
}

export interface RemoveBranchesInput {
  readonly repository: Repository;
  readonly branches: readonly SeenBranch[];
}

export interface MoveChannelsInput {
  readonly repository: Repository;
  /** Template of their names; missing in older runs. */
  readonly template?: string;
  /** The verified commit. */
  readonly commit: string;
  readonly channels: readonly (Channel & {
    /** Why it is only looked at, as a sentence without its subject; missing when it is to move. */
    readonly stays?: string;
  })[];
}

export interface SeenMain {
  readonly commit: string;
  /** Where it was seen before, if it does not have that commit any more: it was force-pushed. Missing when it has. */
  readonly lost?: string;
}

export interface LookAtChannelsInput {
  readonly repository: Repository;
  readonly instance: string;
  /** Template of the branches. */
  readonly template: string;
  /** How long a channel may stand still while main is ahead of it. */
  readonly limitSeconds: number;
  /** When they are looked at: ISO 8601, UTC. */
  readonly at: string;
  /** Folder of the site that is made anew when something has changed; missing when there is none. */
  readonly siteDir?: string;
}

export interface ChannelsToldInput extends DueNews {
  readonly instance: string;
  /** Of the look. */
  readonly at: string;
}

export type LandResult =
  | {
      readonly kind: 'landed';
      readonly ref: string;
      readonly commit: string;
      /** Whether an earlier run landed this update there, so that nothing was pushed. */
      readonly already?: boolean;
      /** The wanted branch, and why the update is not on it. */
      readonly insteadOf?: InsteadOf;
      /** Branches of open pull requests that hold what others made, and why each stays. */
      readonly leftAlone?: readonly InsteadOf[];
      /** Older update branches that this update makes needless, if they were looked for. */
      readonly older?: readonly SeenBranch[];
    }
  | {
      /** In mode `merge`, main is not where the run began; by branch, it does not hold that commit any more. */
      readonly kind: 'main-moved';
      readonly main: string;
      /** Whether the commit that the run began with was taken back from main. */
      readonly rewound?: boolean;
    };

export interface MakeWayInput {
  readonly run: string;
  readonly instance: string;
  readonly lockWorkflowId: string;
}

export type Way =
  /** A newer run of the instance is there, which this one gives way to. */
  | { readonly kind: 'superseded'; readonly by: string }
  | {
      readonly kind: 'ours';
      /** Run that holds the repository; `null` when it is free. */
      readonly holder: string | null;
      /** Whether that one is of the same instance: it ends, or gives way as soon as it asks for approval. */
      readonly sameInstance: boolean;
      /** Whether it gives way now. */
      readonly givesWay: boolean;
    };

export interface RecordEndInput extends RunEnd {
  readonly instance: string;
  readonly limit: FailureLimit;
}
