import { activityInfo } from '@temporalio/activity';
import type { EvaluateHeartbeat, EvaluatorActivities } from '../../model/activities.js';
import type { Evaluation } from '../../model/verdict.js';
import type { ActivityEnvironment } from '../environment.js';
import { installBundle } from '../git/install-commit.js';
import { evaluateCommit, type CommitEvaluation } from './evaluate-commit.js';
import { failedVerdict, writeEvaluationLog } from './evaluation-verdict.js';
import { whileHeartbeating } from './heartbeat.js';
import { sameAsBase } from './same-as-base.js';

/**
 * Makes the activity that evaluates one target on candidate and base. A target that does not evaluate is a verdict, with
 * its log in the record's folder. Repeating it costs nothing: what was evaluated is remembered, and base is not
 * evaluated for a candidate that failed.
 * @throws retryable failures of the machine; `NixUnusable`
 */
export const createEvaluateTarget =
  (env: ActivityEnvironment): EvaluatorActivities['evaluateTarget'] =>
  (input) => {
    const startedAt = new Date();
    const beat: EvaluateHeartbeat = {
      machine: env.machine,
      phase: 'evaluating',
      startedAt: startedAt.toISOString(),
    };
    const seconds = (): number => Math.round((Date.now() - startedAt.getTime()) / 100) / 10;
    return whileHeartbeating(beat, async (signal): Promise<Evaluation> => {
      const { base, head } = input.candidate;
      const mirror = await installBundle(env, input);
      const evaluate = (commit: string): Promise<CommitEvaluation> => {
        const { repository, target, nix, run } = input;
        const flake = { mirror, commit, repository };
        const { attempt } = activityInfo();
        return evaluateCommit(env, { flake, target, nix, run, attempt, failsForGood: commit !== head }, signal);
      };
      const found = await evaluate(head);
      if (found.kind === 'failed') {
        const logPath = await writeEvaluationLog(env, input, found.log);
        return { kind: 'failed', verdict: failedVerdict(env, input, found, logPath, seconds()) };
      }
      const { drvPath, outPath, system } = found;
      const same = head === base ? true : await sameAsBase(mirror, input.candidate, drvPath, await evaluate(base));
      return {
        kind: 'evaluated',
        drvPath,
        outPath,
        system,
        sameAsBase: same,
        machine: env.machine,
        seconds: seconds(),
      };
    });
  };
