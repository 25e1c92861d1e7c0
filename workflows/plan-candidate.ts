import { ActivityCancellationType, isCancellation, proxyActivities } from '@temporalio/workflow';
import type { PresenceActivities } from '../model/contract/activities.js';
import type { BuildPlans } from '../model/contract/verification.js';
import { untouched, type TargetProgress } from '../model/progress/progress.js';
import { presenceQueue } from '../model/run/queues.js';
import { isFlakeTarget, targetLabel, type FlakeTarget } from '../model/targets/index.js';
import { groupBy } from '../model/text/group-by.js';
import {
  TAILS_LIMIT_BYTES,
  evaluationWave,
  limitTails,
  type PlanResult,
  type VerifyInput,
} from '../model/verify/verification.js';
import { verdictOf, type Evaluation } from '../model/verify/verdict.js';
import { rootCause } from './calls/failures.js';
import { ownQueue } from './calls/own-queue.js';
import { semaphore } from './calls/semaphore.js';
import { tellingParent } from './calls/tell-parent.js';
import { UNNEEDED_TRIES } from './calls/unneeded.js';
import { distrustOf } from '../model/verify/distrust.js';
import { evaluate } from './verify/evaluation.js';

interface Evaluated {
  readonly target: FlakeTarget;
  readonly evaluation: Extract<Evaluation, { readonly kind: 'evaluated' }>;
}

/**
 * Evaluates the targets of a candidate and asks a machine of each system what building them has to do, before anything is
 * built. Where that cannot be told, a target is skipped: nobody knows how much it would build.
 */
export async function planCandidate(input: VerifyInput): Promise<PlanResult> {
  const { tell, stop } = tellingParent(input);
  const show = (target: FlakeTarget, change: Partial<TargetProgress>): Promise<void> =>
    tell({ ...untouched(targetLabel(target)), ...change });
  const slot = semaphore(evaluationWave(input));
  const evaluations = await Promise.all(
    input.targets.map(async (target) => {
      if (!isFlakeTarget(target)) return null;
      return await slot(async () => {
        await show(target, { state: 'evaluating' });
        return await evaluate(input, target);
      });
    }),
  );
  const found = input.targets.flatMap((target, index): Evaluated[] => {
    const evaluation = evaluations[index];
    return isFlakeTarget(target) && evaluation?.kind === 'evaluated' ? [{ target, evaluation }] : [];
  });
  const planned = new Map<FlakeTarget, Evaluation>();
  const asked = [...groupBy(found, ({ evaluation }) => evaluation.system)].map(async ([system, own]) => {
    for (const { target } of own)
      await show(target, { state: 'queued', system, error: `asks a worker of ${system} what it would build` });
    const { plans, reason } = await askFor(input, system, own);
    for (const [index, { target, evaluation }] of own.entries()) {
      const plan = plans?.plans[index] ?? null;
      planned.set(target, plan === null ? unknown(target, evaluation, reason) : { ...evaluation, plan });
      await show(target, { state: 'queued', system, ...(plan !== null && { plan }) });
    }
    return plans;
  });
  const answers = (await Promise.all(asked)).filter((each) => each !== null);
  await stop();
  const machines = [...found.map(({ evaluation }) => evaluation.machine), ...answers.map(({ machine }) => machine)];
  return {
    evaluations: limitLogs(
      input.targets.map((target, index) => planned.get(target as FlakeTarget) ?? evaluations[index] ?? null),
    ),
    derivations: answers.map(({ derivations }) => derivations),
    machines: [...new Set(machines)].sort(),
  };
}

interface Answer {
  readonly plans: BuildPlans | null;
  /** Why there is none. */
  readonly reason: string;
}

async function askFor(input: VerifyInput, system: string, own: readonly Evaluated[]): Promise<Answer> {
  const { run, repository, candidate, nix, builderWaitSeconds } = input;
  const { planBuilds } = proxyActivities<PresenceActivities>({
    taskQueue: ownQueue(presenceQueue(system)),
    activityId: `builds of ${system}`,
    summary: `plan the builds of ${own.length} targets (${system})`,
    scheduleToStartTimeout: builderWaitSeconds * 1000,
    startToCloseTimeout: '2 hours',
    heartbeatTimeout: '5 seconds',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    // A worker of an older version does not know the activity.
    retry: { maximumAttempts: UNNEEDED_TRIES, nonRetryableErrorTypes: ['NotFoundError'] },
  });
  try {
    const plans = await planBuilds({ run, repository, candidate, nix, planned: own, ...distrustOf(input) });
    return { plans, reason: 'Nix could not tell' };
  } catch (error) {
    if (isCancellation(error)) throw error;
    return { plans: null, reason: rootCause(error).message };
  }
}

const unknown = (target: FlakeTarget, { system, seconds }: Evaluated['evaluation'], reason: string): Evaluation => ({
  kind: 'failed',
  verdict: verdictOf(target, 'skipped', {
    ...{ system, seconds },
    error: `not built, because maxBuilds is set and how much it would build is not known: ${reason}`,
  }),
});

/** The evaluations, with as much of the logs of failed ones as a verification carries. */
function limitLogs(evaluations: readonly (Evaluation | null)[]): PlanResult['evaluations'] {
  const failed = evaluations.flatMap((each) => (each?.kind === 'failed' ? [each.verdict] : []));
  const limited = limitTails(failed, TAILS_LIMIT_BYTES).values();
  return evaluations.map((each) =>
    each?.kind === 'failed' ? { ...each, verdict: limited.next().value ?? each.verdict } : each,
  );
}
