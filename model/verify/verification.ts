import type { Distrust } from './distrust.js';
import { utf8Length } from '../text/text.js';
import type { Candidate } from './candidate.js';
import type { RunOptions } from '../run/options.js';
import type { Target } from '../targets/index.js';
import type { VerdictKind } from '../targets/types.js';
import type { Evaluation, Verdict } from './verdict.js';

/** What all verifications of one run share. */
export interface VerifySetting
  extends
    Pick<Distrust, 'agentRights'>,
    Pick<
      RunOptions,
      | 'repository'
      | 'nix'
      | 'takeoverSeconds'
      | 'builderWaitSeconds'
      | 'keepClosures'
      | 'buildBase'
      | 'namedPackages'
      | 'advisories'
    > {
  /** Workflow id of the run. */
  readonly run: string;
  /** Whether the run compares two commits, neither of which need be main's; missing when not, and in older runs. */
  readonly comparison?: true;
}

/** Where the targets of a candidate that may land are uploaded. */
export type Uploading = Pick<RunOptions, 'caches' | 'uploads' | 'uploadBroken'>;

/** The single argument of the `verifyCandidate` workflow: any candidate against any targets. */
export interface VerifyInput extends VerifySetting, Distrust, Uploading {
  readonly candidate: Candidate;
  readonly targets: readonly Target[];
  /** What evaluating them gave, in their order, `null` for gates; missing where that is still to be done. */
  readonly evaluations?: readonly (Evaluation | null)[];
  /** Whether it is a commit of main itself, which is compared with nothing; missing when not, and in older runs. */
  readonly withoutBase?: true;
  /** Of a probe, which is made to learn something: nobody is shown its verdicts, and it is not compared with base. */
  readonly probe?: ProbeKnowledge;
}

/** What a run knows when it makes a probe: what this decides need not be built. */
export interface ProbeKnowledge {
  readonly derivations: readonly { readonly drvPath: string; readonly verdict: VerdictKind }[];
  /** Derivations whose builder failed. */
  readonly failed: readonly string[];
  readonly base: readonly { readonly name: string; readonly verdict: VerdictKind }[];
}

export interface VerifyResult {
  /** One for each target, in the order of the input. */
  readonly verdicts: readonly Verdict[];
  /** Machines that hold records and GC roots of this verification. */
  readonly machines: readonly string[];
}

export interface PlanResult {
  /** One for each target, in the order of the input, with its plan where it evaluated; `null` for gates. */
  readonly evaluations: readonly (Evaluation | null)[];
  /** All derivations that would be built, `packed`; one text for each system. */
  readonly derivations: readonly string[];
  /** Machines that hold GC roots of it. */
  readonly machines: readonly string[];
}

/** Most targets of one `verifyCandidate`; larger runs start several, so that no history and no result grows past its limit. */
export const TARGETS_PER_VERIFICATION = 100;
/** What the inputs of one verification's activities may take of its history, in bytes: the server ends a run past 50 MB. */
const INPUTS_LIMIT_BYTES = 16 * 1024 * 1024;

/** Evaluation, build and comparison of one target: each of the three is given the candidate. */
const INPUTS_OF_A_TARGET = 3;

/** Bytes of the input of an activity that is given the candidate. */
const inputBytes = ({ candidate, nix }: Pick<VerifyInput, 'candidate' | 'nix'>): number =>
  candidate.bundle.length + JSON.stringify(nix).length + 4096;

/** How many targets one `verifyCandidate` takes: fewer when the candidate's bundle is large. */
export const targetsPerVerification = (input: Pick<VerifyInput, 'candidate' | 'nix'>): number =>
  Math.min(TARGETS_PER_VERIFICATION, Math.floor(INPUTS_LIMIT_BYTES / (INPUTS_OF_A_TARGET * inputBytes(input))));

/**
 * Room for log tails in one verification's result and in a report, in bytes: sixteen whole ones. Each is in the
 * histories some four times more, and those of fifty hosts, half of them broken, are to stay below 1 MB. Whole logs are on
 * the disk.
 */
export const TAILS_LIMIT_BYTES = 128 * 1024;

/**
 * How many evaluations may be asked for at once: what one workflow task schedules is one message to the server, and past
 * 4 MB (50 inputs of 100 KB were seen to do it) it wedges the run. An evaluation that ends schedules a build and a comparison with inputs of the same size.
 */
export function evaluationWave(input: VerifyInput): number {
  return Math.max(1, Math.min(50, Math.floor((300 * 1024) / inputBytes(input))));
}

/** Cuts log tails from their beginnings so that all of them together fit into `limit` bytes; short ones stay whole. */
export function limitTails<T extends { readonly logTail: string | null }>(verdicts: readonly T[], limit: number): T[] {
  if (tailBytes(verdicts) <= limit) return [...verdicts];
  const share = Math.floor(limit / verdicts.filter((verdict) => verdict.logTail !== null).length);
  return verdicts.map((verdict) => {
    if (verdict.logTail === null) return verdict;
    const lines = verdict.logTail.split('\n');
    let bytes = utf8Length(verdict.logTail);
    while (lines.length > 1 && bytes > share) bytes -= utf8Length(lines.shift() ?? '') + 1;
    return { ...verdict, logTail: bytes > share ? (lines[0] ?? '').slice(-Math.floor(share / 4)) : lines.join('\n') };
  });
}

export const tailBytes = (verdicts: readonly { readonly logTail: string | null }[]): number =>
  verdicts.reduce((sum, { logTail }) => sum + utf8Length(logTail ?? ''), 0);
