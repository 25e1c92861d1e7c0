import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { MachineActivities } from '../../model/contract/activities.js';
import type { BaseComparison, BuildTargetInput } from '../../model/contract/verification.js';
import type { TargetChange } from '../../model/closure/closure.js';
import { roomForClosure } from '../../model/closure/limit.js';
import { baseActivityId, closureActivityId } from '../../model/progress/progress.js';
import { machineQueue } from '../../model/run/queues.js';
import { distrustOf } from '../../model/verify/distrust.js';
import type { VerifyInput } from '../../model/verify/verification.js';
import { isFlakeTarget, targetLabel, type FlakeTarget } from '../../model/targets/index.js';
import type { Verdict } from '../../model/verify/verdict.js';
import { ownQueue } from '../calls/own-queue.js';
import { goOnWithout, UNNEEDED_TRIES } from '../calls/unneeded.js';
import { HEARTBEAT_SECONDS } from '../calls/stay-with-machine.js';
import { ATTEMPT_LIMIT } from './build.js';
import { candidateOnRemote } from '../../model/verify/candidate.js';

export interface BaseBuilds {
  readonly inTurn: (build: () => Promise<string | null>) => Promise<string | null>;
}

/**
 * What the update changes in the closure of a host, told by the machine that built it and has both closures.
 * @param bases `null` where base is not to be built
 * @returns `null` when nothing changes, and when it cannot be told
 */
export async function compareClosures(
  input: VerifyInput,
  verdict: Verdict,
  base: BaseComparison,
  bases: BaseBuilds | null,
): Promise<TargetChange | null> {
  const { target, machine, outPath, drvPath, system } = verdict;
  if (input.keepClosures === undefined || !isFlakeTarget(target)) return null;
  if (verdict.verdict !== 'built' || machine === null || outPath === null) return null;
  const built = { target, machine, outPath, drvPath };
  const change = await compareOnce(input, built, base, {});
  if (change?.kind !== 'no-base' || bases === null) return change;
  if (base.drvPath == null || base.outPath === null || system === null) return change;
  const evaluation = { drvPath: base.drvPath, outPath: base.outPath, system };
  const baseError = await bases.inTurn(() => buildBaseOn(machine, input, target, evaluation));
  return (await compareOnce(input, built, base, { baseError })) ?? change;
}

interface Built extends Pick<Verdict, 'drvPath'> {
  readonly target: FlakeTarget;
  readonly machine: string;
  readonly outPath: string;
}

async function compareOnce(
  input: VerifyInput,
  { target, machine, outPath, drvPath }: Built,
  base: BaseComparison,
  about: { readonly baseError?: string | null },
): Promise<TargetChange | null> {
  const { run, candidate, repository, nix, targets, keepClosures = 0, comparison, namedPackages, advisories } = input;
  const label = targetLabel(target);
  const again = about.baseError === undefined ? '' : ' again';
  const activities = proxyActivities<MachineActivities>({
    taskQueue: ownQueue(machineQueue(machine)),
    activityId: `${closureActivityId(label)}${again}`,
    summary: `compare the closure of ${label}${again}`,
    scheduleToStartTimeout: '30 seconds',
    startToCloseTimeout: '10 minutes',
    heartbeatTimeout: '5 seconds',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    // A worker of 0.1.0 does not know the activity.
    retry: { maximumAttempts: 3, nonRetryableErrorTypes: ['NotFoundError'] },
  });
  try {
    return await activities.compareClosures({
      ...{ repository, target, before: base.outPath, after: outPath },
      same: base.same === true,
      keep: keepClosures,
      ...(comparison === true && { comparison }),
      bytes: roomForClosure(targets.length),
      ...{ run, head: candidate.head, nix },
      ...(drvPath === null ? {} : { drvPaths: [base.drvPath ?? null, drvPath] as const }),
      ...(namedPackages === undefined ? {} : { first: namedPackages }),
      ...(advisories !== undefined && { advisories, candidate, ...distrustOf(input) }),
      ...about,
    });
  } catch (error) {
    goOnWithout(`the closure change of ${label}`, error);
    return null;
  }
}

/**
 * Builds a target as it is on base, on the machine that is to compare the two. It is followed as every other build is; nothing needs it
 * so much that it would be tried on another machine, or that a run would fail for it.
 * @returns why it did not build, or `null`
 */
async function buildBaseOn(
  machine: string,
  { run, repository, candidate: { base }, nix, takeoverSeconds }: VerifyInput,
  target: FlakeTarget,
  evaluation: Pick<BuildTargetInput['evaluation'], 'drvPath' | 'outPath' | 'system'>,
): Promise<string | null> {
  const label = targetLabel(target);
  const activities = proxyActivities<MachineActivities>({
    taskQueue: ownQueue(machineQueue(machine)),
    activityId: baseActivityId(label),
    summary: `build ${label} of base, to compare`,
    scheduleToStartTimeout: takeoverSeconds * 1000,
    startToCloseTimeout: ATTEMPT_LIMIT,
    heartbeatTimeout: `${HEARTBEAT_SECONDS} seconds`,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { maximumAttempts: UNNEEDED_TRIES },
  });
  try {
    const { verdict, error } = await activities.attachBuild({
      ...{ run, repository, target, nix, takeoverSeconds },
      candidate: candidateOnRemote(base),
      evaluation: { kind: 'evaluated', ...evaluation, machine, seconds: 0 },
    });
    return verdict === 'built' ? null : (error ?? verdict);
  } catch (error) {
    goOnWithout(`${label} of base`, error);
    return 'the machine failed';
  }
}
