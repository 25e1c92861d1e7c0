import {
  CancellationScope,
  defineQuery,
  defineSignal,
  patched,
  setCurrentDetails,
  setHandler,
  sleep,
} from '@temporalio/workflow';
import { BUILDING, PROGRESS, type BuildBegan } from '../model/run/messages.js';
import { brokenVerdicts } from '../model/report/log-details.js';
import { GATES } from '../model/run/queues.js';
import { ended, untouched, type TargetProgress } from '../model/progress/progress.js';
import { verificationDetails } from '../model/progress/verification.js';
import {
  TAILS_LIMIT_BYTES,
  evaluationWave,
  limitTails,
  type VerifyInput,
  type VerifyResult,
} from '../model/verify/verification.js';
import { isFlakeTarget, targetLabel, type FlakeTarget, type Target } from '../model/targets/index.js';
import { verdictOf, type Evaluation, type Verdict } from '../model/verify/verdict.js';
import { build, type Listener } from './verify/build.js';
import { compareClosures, type BaseBuilds } from './verify/closures.js';
import { distrustOf } from '../model/verify/distrust.js';
import { compare, evaluate } from './verify/evaluation.js';
import { runGate } from './verify/gate.js';
import { knownVerdict } from './verify/known-verdict.js';
import { semaphore } from './calls/semaphore.js';
import { tellingParent } from './calls/tell-parent.js';
import { uploadTo } from './verify/uploads.js';
import { watchSystems } from './verify/watch-systems.js';

/** How long builds have both cores to themselves while they begin; nothing is to be seen of it when they end before. */
const BUILDS_FIRST = '1 second';

const building = defineSignal<[BuildBegan]>(BUILDING);
const verificationProgress = defineQuery<readonly TargetProgress[]>(PROGRESS);

/**
 * Verifies a candidate: each target is evaluated, then built on a machine of its system, all side by side. A target that
 * breaks gives a verdict and never stops another one. First build, regression rebuild and probes are all this workflow.
 */
export async function verifyCandidate(input: VerifyInput): Promise<VerifyResult> {
  const progress = new Map<string, TargetProgress>(
    input.targets.map((target) => [targetLabel(target), untouched(targetLabel(target))]),
  );
  const machines = new Set<string>();
  const found: Verdict[] = [];
  setHandler(verificationProgress, () => [...progress.values()], { description: 'Progress of each target' });

  const show = (): void => {
    setCurrentDetails(verificationDetails([...progress.values()], brokenVerdicts(input.run, found)));
  };
  const note = (target: Target, change: Partial<TargetProgress>): TargetProgress => {
    const name = targetLabel(target);
    const next = { ...(progress.get(name) ?? untouched(name)), ...change, name };
    progress.set(name, next);
    show();
    return next;
  };
  const evaluationSlot = semaphore(evaluationWave(input));
  const comparisonSlot = semaphore(evaluationWave(input));
  // One after the other: they have no build slots of their own.
  const baseSlot = semaphore(1);
  const { tell, stop } = tellingParent(input);
  const { watch, over } = watchSystems(input.builderWaitSeconds);

  const evaluated = countdown(input.targets.length);
  const built = countdown(input.targets.length);
  let buildsBegan: Promise<unknown> | undefined;
  // Base comes last: builds wait for the candidate's evaluations, and nothing waits for base.
  const afterBuildsBegan = (): Promise<unknown> =>
    (buildsBegan ??= evaluated.all.then(async () => {
      // replay-tested: 2026-11-25, test/replay/0.1.0
      if (!patched('compare-after-builds-began')) return;
      // No time-out: whichever comes first, nothing is cancelled.
      // eslint-disable-next-line temporal/workflow-prefer-cancellation-scope-with-timeout -- see above
      await Promise.race([built.all, sleep(BUILDS_FIRST, { summary: 'start builds before base is evaluated' })]);
    }));
  const verify = (target: Target): Promise<Verdict> => {
    if (isFlakeTarget(target)) return verifyOutput(target);
    // Gates run beside all else: nothing of the hosts waits for them.
    evaluated.one();
    built.one();
    note(target, { state: 'queued' });
    return unlessUnserved(target, GATES, (listener) => runGate(input, target, listener));
  };

  const verifyOutput = async (target: FlakeTarget): Promise<Verdict> => {
    const evaluation =
      input.evaluations?.[input.targets.indexOf(target)] ??
      (await evaluationSlot(() => {
        note(target, { state: 'evaluating' });
        return evaluate(input, target);
      }));
    evaluated.one();
    if (evaluation.kind === 'failed') {
      built.one();
      return evaluation.verdict;
    }
    machines.add(evaluation.machine);
    const { system, plan } = evaluation;
    const planned = plan === undefined ? {} : { plan };
    note(target, { state: 'queued', system, ...planned });
    if (input.probe !== undefined) {
      return (await knownVerdict(input, input.probe, target, evaluation)) ?? (await buildOrGiveUp(target, evaluation));
    }
    const building = buildOrGiveUp(target, evaluation).finally(built.one);
    const uploading = uploadTo(input, building, told(target));
    if (input.withoutBase === true) {
      const [verdict, uploads] = await Promise.all([building, uploading]);
      return { ...verdict, ...uploads };
    }
    const [base, verdict, uploads] = await Promise.all([
      afterBuildsBegan().then(() => comparisonSlot(() => compare(input, target, evaluation.drvPath))),
      building,
      uploading,
    ]);
    const closure = await compareClosures(input, verdict, base, input.buildBase === true ? basesOf(target) : null);
    return { ...planned, ...verdict, sameAsBase: base.same, ...(closure !== null && { closure }), ...uploads };
  };

  const basesOf = (target: Target): BaseBuilds => ({
    inTurn: (build) =>
      baseSlot(async () => {
        await tell(note(target, { state: 'queued', error: 'builds it on base first, to compare' }));
        return await build();
      }),
  });

  /** Shows that a target is being uploaded, and what that waits for. */
  const told =
    (target: Target) =>
    (waitsFor: string | null): Promise<void> =>
      tell(note(target, { state: 'uploading', error: waitsFor }));

  const buildOrGiveUp = (target: FlakeTarget, evaluation: Evaluated): Promise<Verdict> =>
    unlessUnserved(target, evaluation.system, (listener) =>
      build(
        {
          run: input.run,
          repository: input.repository,
          candidate: input.candidate,
          target,
          nix: input.nix,
          evaluation,
          takeoverSeconds: input.takeoverSeconds,
          ...distrustOf(input),
        },
        listener,
      ),
    );

  /** Work for a worker of a system (or of gates): says so when there is none, and gives it up after a while. */
  const unlessUnserved = async (
    target: Target,
    system: string,
    work: (listener: Listener) => Promise<Verdict>,
  ): Promise<Verdict> => {
    const scope = new CancellationScope();
    const unserved: { reason: string | null } = { reason: null };
    let isHeld = false;
    const wait: Listener['wait'] = (waitsFor) => tell(note(target, { state: 'queued', error: waitsFor }));
    const leave = watch(system, {
      tell: wait,
      isHeld: () => isHeld,
      giveUp: (reason) => {
        unserved.reason = reason;
        scope.cancel();
      },
    });
    try {
      return await scope.run(() => work({ wait, held: (now) => (isHeld = now) }));
    } catch (error) {
      if (unserved.reason === null) throw error;
      return verdictOf(target, 'skipped', { system: isFlakeTarget(target) ? system : null, error: unserved.reason });
    } finally {
      leave();
    }
  };

  setHandler(
    building,
    (sent: Partial<BuildBegan> | null | undefined): void => {
      // Something else that was sent here again by somebody who read it on the server.
      if (typeof sent?.name !== 'string') return;
      const { name } = sent;
      const target = input.targets.find((each) => targetLabel(each) === name);
      if (target === undefined || progress.get(name)?.state !== 'queued') return;
      // A workflow worker of 0.1.0 did nothing about it. replay-tested: 2026-11-28, test/replay/0.1.0
      if (!patched('builds-tell-that-they-go-on')) return;
      // The result tells it as well.
      tell(note(target, { state: 'building', error: null })).catch(() => undefined);
    },
    { description: 'A build takes longer: sent by its builder, not for people' },
  );
  show();
  try {
    const verdicts = await Promise.all(
      input.targets.map(async (target) => {
        const verdict = await verify(target);
        if (verdict.machine !== null) machines.add(verdict.machine);
        found.push(verdict);
        await tell(note(target, ended(verdict)));
        return verdict;
      }),
    );
    await stop();
    return { verdicts: limitTails(verdicts, TAILS_LIMIT_BYTES), machines: [...machines].sort() };
  } finally {
    await over();
  }
}

type Evaluated = Extract<Evaluation, { readonly kind: 'evaluated' }>;

/** A promise that resolves after `one` was called so many times. */
function countdown(times: number): { readonly one: () => void; readonly all: Promise<void> } {
  let left = times;
  let open: () => void = () => undefined;
  const all = new Promise<void>((resolve) => (open = resolve));
  return {
    all,
    one: () => {
      left -= 1;
      if (left === 0) open();
    },
  };
}
