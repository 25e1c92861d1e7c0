import { activityInfo } from '@temporalio/activity';
import type { EvaluatorActivities } from '../../../model/contract/activities.js';
import type {
  BaseComparison,
  CompareInput,
  EvaluateHeartbeat,
  EvaluateTargetInput,
} from '../../../model/contract/verification.js';
import type { Evaluation } from '../../../model/verify/verdict.js';
import type { ActivityEnvironment } from '../../environment.js';
import { installBundle } from '../../git/install-commit.js';
import { firstInPlan } from './build-plan.js';
import { acceptedSettings, evaluateCommit, type CommitEvaluation } from './evaluate-commit.js';
import { assertLockIsReadable, failedVerdict, refusedVerdict, writeEvaluationLog } from './evaluation-verdict.js';
import { EVALUATION_BUILDS, needsBuild, treatmentOf, type Treatment } from '../distrust.js';
import { filterNote } from '../filter-note.js';
import { whileHeartbeating } from '../heartbeat.js';
import { sameAsBase } from './same-as-base.js';

/**
 * Makes the activity that evaluates one target of the candidate. A target that does not evaluate is a verdict, with its log
 * in the record's folder. Repeating it costs nothing: what was evaluated is remembered.
 * @throws retryable failures of the machine; `LockUnreadable`, `NixUnusable`
 */
export const createEvaluateTarget =
  (env: ActivityEnvironment): EvaluatorActivities['evaluateTarget'] =>
  (input) => {
    const startedAt = new Date();
    const seconds = (): number => Math.round((Date.now() - startedAt.getTime()) / 100) / 10;
    return whileHeartbeating(firstBeat(env, startedAt), async (signal): Promise<Evaluation> => {
      const mirror = await installBundle(env, input);
      const treatment = await treatmentOf(mirror, input);
      if (treatment.kind === 'refused')
        return { kind: 'failed', verdict: refusedVerdict(env, input.target, 'evaluated', treatment.why) };
      const found = await evaluate(env, input, { mirror, commit: input.candidate.head }, signal);
      if (found.kind === 'failed') {
        if (treatment.kind === 'guarded' && !treatment.mayFetch && needsBuild(found.error))
          return { kind: 'failed', verdict: refusedVerdict(env, input.target, 'evaluated', EVALUATION_BUILDS) };
        await assertLockIsReadable(env, input, found.error);
        const logPath = await writeEvaluationLog(env, input, found.log);
        const notes = [await filterNote(mirror, input.candidate.head, found.log), pureNote(input, treatment)];
        const error = found.error + notes.join('');
        return { kind: 'failed', verdict: failedVerdict(env, input, { ...found, error }, logPath, seconds()) };
      }
      const { drvPath, outPath, system } = found;
      return { kind: 'evaluated', drvPath, outPath, system, machine: env.machine, seconds: seconds() };
    });
  };

/**
 * Makes the activity that compares a target's closure with the one on base. The candidate is evaluated again only where
 * another machine did so before. Repeating it costs what comparing costs: evaluations are remembered.
 * @param lookAhead begins to compare what the derivations make, where they differ; nobody waits for it
 * @throws retryable failures of the machine; `NixUnusable`
 */
export const createCompareWithBase =
  (
    env: ActivityEnvironment,
    lookAhead: (
      outPath: string,
      pair: readonly [before: string, after: string],
      nix: CompareInput['nix'],
    ) => Promise<void>,
  ) =>
  (input: CompareInput): Promise<BaseComparison> =>
    whileHeartbeating(firstBeat(env, new Date()), async (signal) => {
      const { base, head } = input.candidate;
      const mirror = await installBundle(env, input);
      const before = await evaluate(env, input, { mirror, commit: base }, signal);
      const { outPath, drvPath } = before.kind === 'evaluated' ? before : { outPath: null, drvPath: null };
      if (drvPath === input.drvPath) return { same: true, outPath, drvPath };
      // Both graphs are read from the store of this machine.
      await evaluate(env, input, { mirror, commit: head }, signal);
      const same = await sameAsBase(mirror, input.candidate, input.drvPath, before);
      if (input.isCompared === true && same !== true && outPath !== null)
        void lookAhead(outPath, [drvPath, input.drvPath], input.nix);
      return { same, outPath, drvPath };
    });

/**
 * Makes the activity that looks for derivations in what building the candidate would have to make. It only reads, once
 * this machine's store has the candidate's derivation.
 * @throws retryable failures of the machine; `NixUnusable`
 */
export const createFindInPlan =
  (env: ActivityEnvironment): EvaluatorActivities['findInPlan'] =>
  (input) =>
    whileHeartbeating(firstBeat(env, new Date()), async (signal) => {
      const { repository, nix, candidate, drvPath, derivations } = input;
      const flake = { mirror: await installBundle(env, input), commit: candidate.head, repository };
      await evaluate(env, input, flake, signal);
      const options = [...(await acceptedSettings(flake, nix)), ...nix.options];
      return await firstInPlan(drvPath, derivations, { ...nix, options }, signal);
    });

/** Said behind an error of a flake that may need what the run lets evaluation see, and an agent's change not. */
const pureNote = ({ nix }: EvaluateTargetInput, { kind }: Treatment): string =>
  kind === 'guarded' && nix.impure ? ' (what an agent changed is evaluated without --impure)' : '';

async function evaluate(
  env: ActivityEnvironment,
  input: EvaluateTargetInput,
  { mirror, commit }: { readonly mirror: string; readonly commit: string },
  signal: AbortSignal,
): Promise<CommitEvaluation> {
  const { repository, target, run, candidate } = input;
  const { attempt } = activityInfo();
  const flake = { mirror, commit, repository };
  // A person may ask for a target of a candidate again; what fails on base stays so.
  const failsForGood = commit !== candidate.head;
  const treatment = failsForGood ? null : await treatmentOf(mirror, input);
  if (treatment?.kind === 'refused') return { kind: 'failed', error: treatment.why, log: '', unanswered: null };
  const nix = treatment?.nix ?? input.nix;
  // The evaluation of base runs beside builds.
  return await evaluateCommit(
    env,
    { flake, target, nix, run, attempt, failsForGood, background: failsForGood },
    signal,
  );
}

const firstBeat = (env: ActivityEnvironment, startedAt: Date): EvaluateHeartbeat => ({
  machine: env.machine,
  phase: 'evaluating',
  startedAt: startedAt.toISOString(),
});
