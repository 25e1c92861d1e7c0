import type { Distrust } from '../verify/distrust.js';
import type { Candidate, CandidateSource } from '../verify/candidate.js';
import type { CacheOutcome } from '../caches/outcome.js';
import type { Cache } from '../caches/types.js';
import type { BuildPlan } from '../nix/build-plan.js';
import type { NixSettings, Repository } from '../run/options.js';
import type { CommandTarget, FlakeTarget } from '../targets/index.js';
import type { Evaluation } from '../verify/verdict.js';

export interface ListTargetsInput {
  readonly repository: Repository;
  readonly base: string;
  /** Has `base`, where the remote may not have it; missing where it does, and in older runs. */
  readonly candidate?: Candidate;
  readonly hosts: 'all' | readonly string[];
  readonly exclude: string | null;
  /** Which targets are meant, in place of hosts; missing where nobody chose, and in older runs. */
  readonly patterns?: readonly string[];
  /** Whether what is meant and not there is left out, in place of a failure; missing when not, and in older runs. */
  readonly lenient?: true;
  readonly nix: NixSettings;
}

export interface TargetList {
  readonly targets: readonly FlakeTarget[];
  /** `name = value` of each setting of the flake's nixConfig, when it is not accepted. */
  readonly ignoredNixConfig: readonly string[];
  /** Labels of the others of the same kinds; missing from older workers. */
  readonly notAsked?: readonly string[];
}

export interface EvaluateTargetInput extends CandidateSource, Distrust {
  readonly target: FlakeTarget;
  readonly nix: NixSettings;
  readonly run: string;
}

export interface BaseComparison {
  /** Whether the closure is the same, the flake's own revision left out; `null` when that cannot be told. */
  readonly same: boolean | null;
  /** Store path of the target on base; `null` when it does not evaluate there. */
  readonly outPath: string | null;
  /** Its derivation, which this machine has; missing from older workers. */
  readonly drvPath?: string | null;
}

export interface PlanInput extends CompareInput {
  readonly derivations: readonly string[];
}

export interface CompareInput extends EvaluateTargetInput {
  /** The candidate's derivation, as `evaluateTarget` found it. */
  readonly drvPath: string;
  /** Whether the closures of both are compared once it is built; missing when not, and in older runs. */
  readonly isCompared?: true;
}

export interface CompareClosuresInput extends Distrust {
  readonly repository: Repository;
  readonly target: FlakeTarget;
  /** Store path of the target on base; `null` when it has none there. */
  readonly before: string | null;
  readonly after: string;
  /** Whether both are the same but for the flake's own revision: they are only kept then. */
  readonly same: boolean;
  /** How many closures of the target stay in the store beside base's; 0: none, base's neither. */
  readonly keep: number;
  /** Whether a commit is compared that need not be main's; missing when not, and in older runs. */
  readonly comparison?: true;
  /** Room for the answer, in bytes of JSON. */
  readonly bytes: number;
  /** Names of packages that the owner wants to see first; missing in older runs, as what follows. */
  readonly first?: readonly string[];
  readonly nix?: NixSettings;
  /** Why base did not build, or `null` when it did; missing where it was not built for the comparison. */
  readonly baseError?: string | null;
  /** Derivations of base and candidate; `null` when base has none. */
  readonly drvPaths?: readonly [before: string | null, after: string];
  /** The run and the candidate's commit, whose record keeps the whole change. */
  readonly run?: string;
  readonly head?: string;
  /** Folder of advisories; missing: vulnerabilities are not checked. */
  readonly advisories?: string;
  /** The candidate, whose packages are asked what products they are; only with `advisories`, and missing in older runs. */
  readonly candidate?: Candidate;
}

export interface UploadInput {
  readonly run: string;
  /** The candidate's commit. */
  readonly head: string;
  readonly target: FlakeTarget;
  readonly outPath: string;
  /** Derivation of a target whose build failed: what is finished of it is uploaded instead. Missing in older runs. */
  readonly brokenDrv?: string;
  readonly cache: Cache;
  readonly nix: NixSettings;
  /** Lease of an upload that nobody follows, in seconds. */
  readonly takeoverSeconds: number;
  /** How many targets this machine uploads at once. */
  readonly uploads: number;
}

export interface UploadResult extends CacheOutcome {
  /** Whether another try may do better; missing when not. */
  readonly again?: true;
}

export interface GateInput extends CandidateSource, Distrust {
  readonly gate: CommandTarget;
  readonly nix: NixSettings;
  readonly run: string;
  /** Lease of a command that nobody follows, in seconds. */
  readonly takeoverSeconds: number;
}

export interface BuildTargetInput extends CandidateSource, Distrust {
  readonly target: FlakeTarget;
  readonly nix: NixSettings;
  readonly run: string;
  readonly evaluation: Extract<Evaluation, { kind: 'evaluated' }>;
  /** Lease of a build that nobody follows, in seconds. */
  readonly takeoverSeconds: number;
}

export interface PlanBuildsInput extends CandidateSource, Distrust {
  readonly nix: NixSettings;
  readonly run: string;
  readonly planned: readonly Pick<BuildTargetInput, 'target' | 'evaluation'>[];
}

export interface BuildPlans {
  /** The machine that was asked, which keeps the derivations for the run. */
  readonly machine: string;
  /** One for each target; `null` where that cannot be told. */
  readonly plans: readonly (BuildPlan | null)[];
  /** All derivations that they would build, `packed`. */
  readonly derivations: string;
}

export interface ReadLogInput {
  readonly logPath: string;
  readonly offset: number;
  readonly limit: number;
}

export interface LogSlice {
  readonly text: string;
  readonly nextOffset: number;
  readonly size: number;
}

/** Heartbeat details of `buildTarget`, `attachBuild` and `runGate`, and what the client draws. */
export interface BuildHeartbeat {
  readonly machine: string;
  /** Host name, for people. */
  readonly hostName: string;
  readonly phase: 'queued' | 'evaluating' | 'building';
  /** ISO 8601 start of the build, not of the attempt. */
  readonly startedAt: string;
  /** Derivations that are done, and that were planned (0 when not known yet). */
  readonly done: number;
  readonly planned: number;
  /** What Nix said that it has to do; `null` when it has not, missing from older workers. */
  readonly plan?: BuildPlan | null;
  readonly logPath: string;
  readonly logBytes: number;
  /** Last lines of the log: at most 3, each at most 200 characters. */
  readonly lastLines: readonly string[];
  /** What Nix cannot reach or get while it goes on trying, in a few words; `null` when it has not complained. */
  readonly trouble: string | null;
  /** Seconds that this target took in the last run that built it; `null` when not known. */
  readonly estimateSeconds: number | null;
}

/** Heartbeat details of `uploadClosure`. */
export interface UploadHeartbeat {
  readonly machine: string;
  /** Host name, for people. */
  readonly hostName: string;
  /** `queued`: other uploads go before; `looking`: what the cache has is being looked up. */
  readonly phase: 'queued' | 'looking' | 'uploading';
  /** `cacheName` of the cache. */
  readonly cache: string;
  /** ISO 8601 start of the upload, not of the attempt. */
  readonly startedAt: string;
  /** Paths that are uploaded, and that are to be; 0 when that is not known. */
  readonly done: number;
  readonly planned: number;
  /** Their bytes unpacked. */
  readonly bytes: number;
  readonly plannedBytes: number;
  readonly logPath: string;
}

/** Heartbeat details of coordinators' activities, `null` while nothing keeps them waiting. */
export interface WaitHeartbeat {
  /** Remotes, and for which inputs: `github.com (nixpkgs)`. */
  readonly waitsFor: string;
  /** ISO 8601 */
  readonly since: string;
}

/** Heartbeat details of `evaluateTarget`. */
export interface EvaluateHeartbeat {
  readonly machine: string;
  readonly phase: 'queued' | 'evaluating';
  readonly startedAt: string;
}
