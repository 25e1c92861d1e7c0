import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { EvaluatorActivities } from '../model/activities.js';
import { compareActivityId, evaluateActivityId, planActivityId } from '../model/progress.js';
import { EVALUATE_QUEUE } from '../model/queues.js';
import type { VerifyInput } from '../model/verify.js';
import { targetLabel } from '../model/verdict.js';
import type { Evaluation, HostTarget } from '../model/verdict.js';
import { ownQueue } from './own-queue.js';

const evaluator = (activityId: string, summary: string) =>
  proxyActivities<EvaluatorActivities>({
    taskQueue: ownQueue(EVALUATE_QUEUE),
    activityId,
    summary,
    startToCloseTimeout: '2 hours',
    heartbeatTimeout: '5 seconds',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute', maximumAttempts: 15 },
  });

export function evaluate(input: VerifyInput, target: HostTarget): Promise<Evaluation> {
  const label = targetLabel(target);
  const { run, repository, candidate, nix } = input;
  return evaluator(evaluateActivityId(label), `evaluate ${label}`).evaluateTarget({
    run,
    repository,
    candidate,
    target,
    nix,
  });
}

/** Runs beside the build, which need not wait for it: in a long evaluation that is most of what a build would wait. */
export function compare(input: VerifyInput, target: HostTarget, drvPath: string): Promise<boolean | null> {
  const label = targetLabel(target);
  const { run, repository, candidate, nix } = input;
  return evaluator(compareActivityId(label), `compare ${label} with base`).compareWithBase({
    run,
    repository,
    candidate,
    target,
    nix,
    drvPath,
  });
}

/** Looks for derivations that failed already in what a build would have to make. */
export function findInPlan(
  input: VerifyInput,
  target: HostTarget,
  about: { readonly drvPath: string; readonly derivations: readonly string[] },
): Promise<string | null> {
  const label = targetLabel(target);
  const { run, repository, candidate, nix } = input;
  return evaluator(planActivityId(label), `look into the build plan of ${label}`).findInPlan({
    run,
    repository,
    candidate,
    target,
    nix,
    ...about,
  });
}
