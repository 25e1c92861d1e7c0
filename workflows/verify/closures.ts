import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { BaseComparison, MachineActivities } from '../../model/contract/activities.js';
import type { TargetChange } from '../../model/closure/closure.js';
import { roomForClosure } from '../../model/closure/limit.js';
import { closureActivityId } from '../../model/run/progress.js';
import { machineQueue } from '../../model/run/queues.js';
import type { VerifyInput } from '../../model/verify/verification.js';
import { isFlakeTarget, targetLabel } from '../../model/targets/index.js';
import type { Verdict } from '../../model/verify/verdict.js';
import { ownQueue } from '../calls/own-queue.js';
import { goOnWithout } from '../calls/unneeded.js';

/**
 * What the update changes in the closure of a host, told by the machine that built it and has both closures.
 * @returns `null` when nothing changes, and when it cannot be told
 */
export async function compareClosures(
  { run, candidate, repository, nix, targets, keepClosures, namedPackages, advisories }: VerifyInput,
  { target, verdict, machine, outPath, drvPath }: Verdict,
  base: BaseComparison,
): Promise<TargetChange | null> {
  if (keepClosures === undefined || !isFlakeTarget(target)) return null;
  if (verdict !== 'built' || machine === null || outPath === null) return null;
  const label = targetLabel(target);
  const activities = proxyActivities<MachineActivities>({
    taskQueue: ownQueue(machineQueue(machine)),
    activityId: closureActivityId(label),
    summary: `compare the closure of ${label}`,
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
      bytes: roomForClosure(targets.length),
      ...{ run, head: candidate.head, nix },
      ...(drvPath === null ? {} : { drvPaths: [base.drvPath ?? null, drvPath] as const }),
      ...(namedPackages === undefined ? {} : { first: namedPackages }),
      ...(advisories !== undefined && { advisories }),
    });
  } catch (error) {
    goOnWithout(`what changes in the closure of ${label}`, error);
    return null;
  }
}
