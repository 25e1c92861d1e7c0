import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { EvaluatorActivities } from '../../model/contract/activities.js';
import type { BaseComparison } from '../../model/contract/verification.js';
import { compareActivityId, evaluateActivityId, planActivityId } from '../../model/progress/progress.js';
import { EVALUATE_QUEUE } from '../../model/run/queues.js';
import type { VerifyInput } from '../../model/verify/verification.js';
import { targetLabel, type FlakeTarget } from '../../model/targets/index.js';
import type { Evaluation } from '../../model/verify/verdict.js';
import { distrustOf } from '../../model/verify/distrust.js';
import { NEEDED_TRIES } from '../calls/coordinator.js';
import { ownQueue } from '../calls/own-queue.js';
import { UNNEEDED_TRIES, goOnWithout } from '../calls/unneeded.js';

const evaluator = (activityId: string, summary: string, maximumAttempts = NEEDED_TRIES) =>
  proxyActivities<EvaluatorActivities>({
    taskQueue: ownQueue(EVALUATE_QUEUE),
    activityId,
    summary,
    startToCloseTimeout: '2 hours',
    heartbeatTimeout: '5 seconds',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute', maximumAttempts },
  });

export function evaluate(input: VerifyInput, target: FlakeTarget): Promise<Evaluation> {
  const label = targetLabel(target);
  const { run, repository, candidate, nix } = input;
  const also = distrustOf(input);
  return evaluator(evaluateActivityId(label), `evaluate ${label}`).evaluateTarget({
    run,
    repository,
    candidate,
    target,
    nix,
    ...also,
  });
}

/**
 * Runs beside the build, which need not wait for it: in a long evaluation that is most of what a build would wait.
 * @returns nothing known also when it failed until the last try: nothing needs the answer so much that a run would fail for it
 */
export async function compare(input: VerifyInput, target: FlakeTarget, drvPath: string): Promise<BaseComparison> {
  const label = targetLabel(target);
  const { run, repository, candidate, nix } = input;
  const also = distrustOf(input);
  const { compareWithBase } = evaluator(compareActivityId(label), `compare ${label} with base`, UNNEEDED_TRIES);
  try {
    const isCompared = input.keepClosures !== undefined;
    const compared = await compareWithBase({
      ...{ run, repository, candidate, target, nix, drvPath },
      ...(isCompared && { isCompared }),
      ...also,
    });
    return typeof compared === 'object' && compared !== null ? compared : { same: compared, outPath: null };
  } catch (error) {
    goOnWithout(`whether ${label} is the same as on base`, error);
    return { same: null, outPath: null };
  }
}

/** Looks for derivations that failed already in what a build would have to make; `null` also when it cannot tell. */
export async function findInPlan(
  input: VerifyInput,
  target: FlakeTarget,
  about: { readonly drvPath: string; readonly derivations: readonly string[] },
): Promise<string | null> {
  const label = targetLabel(target);
  const { run, repository, candidate, nix } = input;
  const also = distrustOf(input);
  const looker = evaluator(planActivityId(label), `read the build plan of ${label}`, UNNEEDED_TRIES);
  try {
    return await looker.findInPlan({ run, repository, candidate, target, nix, ...about, ...also });
  } catch (error) {
    goOnWithout(`the build plan of ${label}`, error);
    return null;
  }
}
