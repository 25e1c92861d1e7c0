import { ChildWorkflowCancellationType, ParentClosePolicy, patched, startChild } from '@temporalio/workflow';
import { verificationId } from '../../model/run/ids.js';
import type { Candidate } from '../../model/verify/candidate.js';
import type { NixSettings } from '../../model/run/options.js';
import { TARGETS_PER_VERIFICATION, targetsPerVerification } from '../../model/verify/verification.js';
import type {
  PlanResult,
  ProbeKnowledge,
  Uploading,
  VerifyInput,
  VerifyResult,
  VerifySetting,
} from '../../model/verify/verification.js';
import type { Target } from '../../model/targets/index.js';
import type { Verdict } from '../../model/verify/verdict.js';
import { planCandidate } from '../plan-candidate.js';
import { verifyCandidate } from '../verify-candidate.js';

export interface Verification {
  /** Names the children, together with the candidate's head. */
  readonly label: string;
  readonly candidate: Candidate;
  readonly targets: readonly Target[];
  /** As `planInChildren` gave them, in the order of the targets. */
  readonly evaluations?: PlanResult['evaluations'];
  readonly probe?: ProbeKnowledge;
  /** Whether it is compared with nothing. */
  readonly withoutBase?: true;
  /** Whether a person has approved the candidate. */
  readonly approved?: true;
  /** Where what is built is uploaded; missing where it is not. */
  readonly uploading?: Uploading;
  /** Told the ids of the children, as they begin. */
  readonly started?: (children: readonly string[]) => void;
  /** Told the verdicts of each child, as it ends. */
  readonly over?: (verdicts: readonly Verdict[]) => void;
}

/** Runs that began before large bundles were split further go on as they began. */
function targetsOfAChild(candidate: Candidate, nix: NixSettings, targets: number): number {
  const most = targetsPerVerification({ candidate, nix });
  if (most >= Math.min(targets, TARGETS_PER_VERIFICATION)) return TARGETS_PER_VERIFICATION;
  // replay-tested: 2026-11-25, test/replay/0.1.0
  return patched('targets-by-bundle-size') ? most : TARGETS_PER_VERIFICATION;
}

/** What each of the children is given. */
function inputsOf(
  {
    run,
    repository,
    nix,
    takeoverSeconds,
    builderWaitSeconds,
    comparison,
    keepClosures,
    buildBase,
    namedPackages,
    advisories,
    agentRights,
  }: VerifySetting,
  { candidate, targets, evaluations, withoutBase, probe, approved, uploading }: Verification,
): readonly VerifyInput[] {
  const inputs: VerifyInput[] = [];
  const most = targetsOfAChild(candidate, nix, targets.length);
  for (let first = 0; first < targets.length; first += most)
    inputs.push({
      run,
      repository,
      candidate,
      targets: targets.slice(first, first + most),
      nix,
      takeoverSeconds,
      builderWaitSeconds,
      ...(comparison === true && { comparison }),
      ...uploading,
      ...(keepClosures === undefined || probe !== undefined ? {} : { keepClosures }),
      ...(buildBase === true && probe === undefined && { buildBase }),
      ...(namedPackages === undefined || probe !== undefined ? {} : { namedPackages }),
      ...(advisories === undefined || probe !== undefined ? {} : { advisories }),
      ...(agentRights === undefined ? {} : { agentRights }),
      ...(evaluations === undefined ? {} : { evaluations: evaluations.slice(first, first + most) }),
      ...(withoutBase === undefined ? {} : { withoutBase }),
      ...(probe === undefined ? {} : { probe }),
      ...(approved === undefined ? {} : { approved }),
    });
  return inputs;
}

/** Gives the candidate to as many children of a workflow as its targets need; they run side by side. */
async function inChildren<Result>(
  workflow: (input: VerifyInput) => Promise<Result>,
  setting: VerifySetting,
  about: Verification,
  over: (result: Result) => void = () => undefined,
): Promise<readonly Result[]> {
  const { run } = setting;
  const { label, candidate, started } = about;
  const running = [];
  const children: string[] = [];
  // One after the other: each start carries the bundle, and what one workflow task schedules has a limit.
  for (const [index, input] of inputsOf(setting, about).entries()) {
    const child = await startChild(workflow, {
      workflowId: verificationId(run, label, candidate.head, index + 1),
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      staticSummary: `${label} ${candidate.head.slice(0, 12)} for ${run}`,
      args: [input],
    });
    children.push(child.workflowId);
    const resultOf = async (): Promise<Result> => {
      const result = await child.result();
      over(result);
      return result;
    };
    const own = resultOf();
    // One that fails while the next ones start is told when all are waited for.
    own.catch(() => undefined);
    running.push(own);
    started?.([...children]);
  }
  return await Promise.all(running);
}

export async function verifyInChildren(setting: VerifySetting, about: Verification): Promise<VerifyResult> {
  const results = await inChildren(verifyCandidate, setting, about, ({ verdicts }) => about.over?.(verdicts));
  return {
    verdicts: results.flatMap(({ verdicts }) => verdicts),
    machines: allMachines(results),
  };
}

/** Evaluates a candidate and tells what building it has to do. */
export async function planInChildren(setting: VerifySetting, about: Verification): Promise<PlanResult> {
  const results = await inChildren(planCandidate, setting, about);
  return {
    evaluations: results.flatMap(({ evaluations }) => evaluations),
    derivations: results.flatMap(({ derivations }) => derivations),
    machines: allMachines(results),
  };
}

const allMachines = (results: readonly { readonly machines: readonly string[] }[]): readonly string[] =>
  [...new Set(results.flatMap(({ machines }) => machines))].sort();
