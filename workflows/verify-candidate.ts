import {
  ActivityCancellationType,
  defineQuery,
  defineSignal,
  getExternalWorkflowHandle,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { EvaluatorActivities } from '../model/activities.js';
import { PROGRESS, TARGET_DONE } from '../model/messages.js';
import { compareActivityId, evaluateActivityId } from '../model/progress.js';
import type { TargetProgress } from '../model/progress.js';
import { verificationDetails } from '../model/verification-details.js';
import { EVALUATE_QUEUE, buildQueue } from '../model/queues.js';
import { TAILS_LIMIT_BYTES, evaluationWave, failedVerdict, limitTails } from '../model/verify.js';
import type { VerifyInput, VerifyResult } from '../model/verify.js';
import { targetLabel } from '../model/verdict.js';
import type { Evaluation, Target, Verdict } from '../model/verdict.js';
import { coordinator } from './activities.js';
import { build } from './build.js';

export const verificationProgress = defineQuery<readonly TargetProgress[]>(PROGRESS);
const targetDone = defineSignal<[TargetProgress]>(TARGET_DONE);

/** Seconds between two looks at a queue that nobody serves. */
const POLLER_PAUSE = 10;

/**
 * Verifies a candidate: each target is evaluated, then built on a machine of its system, all side by side. A target that
 * breaks gives a verdict and never stops another one. First build, regression rebuild and probes are all this workflow.
 */
export async function verifyCandidate(input: VerifyInput): Promise<VerifyResult> {
  const progress = new Map<string, TargetProgress>(
    input.targets.map((target) => [targetLabel(target), { ...UNKNOWN, name: targetLabel(target) }]),
  );
  const machines = new Set<string>();
  setHandler(verificationProgress, () => [...progress.values()]);

  const note = (target: Target, change: Partial<TargetProgress>): TargetProgress => {
    const name = targetLabel(target);
    const next = { ...UNKNOWN, ...progress.get(name), ...change, name };
    progress.set(name, next);
    setCurrentDetails(verificationDetails([...progress.values()]));
    return next;
  };
  const evaluationSlot = semaphore(evaluationWave(input));
  const served = servedSystems(input);

  const verify = async (target: Target): Promise<Verdict> => {
    const evaluation = await evaluationSlot(() => {
      note(target, { state: 'evaluating' });
      return evaluate(input, target);
    });
    if (evaluation.kind === 'failed') return evaluation.verdict;
    machines.add(evaluation.machine);
    const { system } = evaluation;
    note(target, { state: 'queued', system });
    const [sameAsBase, verdict] = await Promise.all([
      compare(input, target, evaluation.drvPath),
      buildWhere(target, evaluation),
    ]);
    return { ...verdict, sameAsBase };
  };

  const buildWhere = async (target: Target, evaluation: Evaluated): Promise<Verdict> => {
    const { system } = evaluation;
    const missing = await served(system, (waitsFor) => tellParent(note(target, { error: waitsFor })));
    if (missing !== null) return failedVerdict(target, 'skipped', missing, system);
    note(target, { state: 'building', error: null });
    return await build({
      run: input.run,
      repository: input.repository,
      candidate: input.candidate,
      target,
      nix: input.nix,
      evaluation,
      takeoverSeconds: input.takeoverSeconds,
    });
  };

  setCurrentDetails(verificationDetails([...progress.values()]));
  const verdicts = await Promise.all(
    input.targets.map(async (target) => {
      const verdict = await verify(target);
      if (verdict.machine !== null) machines.add(verdict.machine);
      const { sameAsBase, seconds, error, system } = verdict;
      await tellParent(note(target, { state: 'done', verdict: verdict.verdict, sameAsBase, seconds, error, system }));
      return verdict;
    }),
  );
  return { verdicts: limitTails(verdicts, TAILS_LIMIT_BYTES), machines: [...machines].sort() };
}

const UNKNOWN: TargetProgress = {
  name: '',
  state: 'waiting',
  system: null,
  verdict: null,
  sameAsBase: null,
  seconds: null,
  error: null,
};

type Evaluated = Extract<Evaluation, { readonly kind: 'evaluated' }>;

const evaluator = (activityId: string, summary: string) =>
  proxyActivities<EvaluatorActivities>({
    taskQueue: EVALUATE_QUEUE,
    activityId,
    summary,
    startToCloseTimeout: '2 hours',
    heartbeatTimeout: '5 seconds',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute', maximumAttempts: 15 },
  });

function evaluate(input: VerifyInput, target: Target): Promise<Evaluation> {
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
function compare(input: VerifyInput, target: Target, drvPath: string): Promise<boolean | null> {
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

type Tell = (waitsFor: string) => Promise<void>;

/**
 * Waits until somebody serves a system, once for each system: a task on a queue without pollers waits in silence.
 * Gives `null`, or why the wait was given up; each target that waits is told once what it waits for.
 */
function servedSystems(input: VerifyInput): (system: string, tell: Tell) => Promise<string | null> {
  const known = new Map<string, { readonly answer: Promise<string | null>; readonly untold: Set<Tell> }>();
  const wait = async (system: string, untold: Set<Tell>): Promise<string | null> => {
    for (let waited = 0; ; waited += POLLER_PAUSE) {
      if ((await coordinator(`look for workers of ${system}`).countPollers({ queue: buildQueue(system) })) > 0)
        return null;
      const reason = `no worker serves ${system}`;
      if (waited >= input.builderWaitSeconds) return `${reason}, and none came within ${waited} seconds`;
      const tells = [...untold];
      untold.clear();
      for (const tell of tells)
        await tell(`waits for a worker of ${system}: start "lockkeeper worker" on such a machine`);
      await sleep(POLLER_PAUSE * 1000, { summary: reason });
    }
  };
  return (system, tell) => {
    const entry = known.get(system);
    if (entry !== undefined) {
      entry.untold.add(tell);
      return entry.answer;
    }
    const untold = new Set([tell]);
    const answer = wait(system, untold);
    known.set(system, { answer, untold });
    return answer;
  };
}

/** The parent draws the table that people see; a probe has no parent, or one that has ended. */
async function tellParent(done: TargetProgress): Promise<void> {
  const { parent } = workflowInfo();
  if (parent === undefined) return;
  await getExternalWorkflowHandle(parent.workflowId, parent.runId).signal(targetDone, done);
}

function semaphore(slots: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = slots;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
