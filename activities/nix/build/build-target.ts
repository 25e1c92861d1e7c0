import { activityInfo, cancellationSignal, Context } from '@temporalio/activity';
import path from 'node:path';
import type { BuilderActivities } from '../../../model/contract/activities.js';
import type { BuildHeartbeat, BuildTargetInput } from '../../../model/contract/verification.js';
import { recordDirectory } from '../../../model/machine/record-directory.js';
import { BUILDING, type BuildBegan } from '../../../model/run/messages.js';
import { targetLabel, type Target } from '../../../model/targets/index.js';
import { type Verdict } from '../../../model/verify/verdict.js';
import type { ActivityEnvironment } from '../../environment.js';
import { follow } from '../../supervised/follow.js';
import { openRecord, type CommandRecord } from '../../supervised/record.js';
import { followToVerdict, type Report } from '../../supervised/while-following.js';
import { BuildCounter } from './build-log.js';
import { estimateSeconds } from './build-times.js';
import { concludeBuild } from './build-verdict.js';
import { ensureBuild, type BuildOrder } from './build.js';
import { localDerivation } from './local-derivation.js';

/**
 * Makes the activity that builds one evaluated target and follows the build. The build belongs to its record, not to the
 * attempt: a repeat attaches to it while it runs, returns its verdict when it has ended, and starts it again only when
 * neither is left. Anything that ends the attempt leaves the build alone (shutdown, time-out, a server that forgot the
 * attempt), except a cancellation that was asked for: that ends the build with all its processes, and removes the record.
 * @throws retryable `BuildInfrastructure`, and what evaluation throws when this machine lacks the derivation
 */
export const createBuildTarget =
  (env: ActivityEnvironment): BuilderActivities['buildTarget'] =>
  (input) => {
    const { run, candidate, target } = input;
    const folder = recordDirectory(env.state, run, candidate.head, target);
    return followToVerdict(env, {
      open: () => openRecord(folder, { run, namespace: activityInfo().namespace, head: candidate.head, target }),
      follow: (record, report) => build(env, input, record, report),
    });
  };

async function build(
  env: ActivityEnvironment,
  input: BuildTargetInput,
  record: CommandRecord,
  report: Report<BuildHeartbeat>,
): Promise<Verdict> {
  const signal = cancellationSignal();
  const estimate = await estimateSeconds(env.state, input.repository, input.target);
  report({ phase: 'evaluating', logPath: record.log, estimateSeconds: estimate });
  const local = await localDerivation(env, input, path.join(record.directory, 'drv'), signal);
  if (local.kind === 'failed') return local.verdict;

  const { drvPath, outPath } = local.evaluation;
  const order: BuildOrder = { drvPath, outPath, nix: local.nix, leaseSeconds: input.takeoverSeconds };
  report({ phase: 'building' });
  const telling = setTimeout(() => void tellThatItGoesOn(input.target), TOLD_AFTER_MS);
  try {
    for (;;) {
      signal.throwIfAborted();
      await ensureBuild(record, order);
      const counter = new BuildCounter();
      const status = await follow(record, {
        leaseSeconds: input.takeoverSeconds,
        signal,
        onLines: (lines) => {
          counter.take(lines);
        },
        onProgress: ({ bytes, lastLines }, startedAt) => {
          report({ startedAt, logBytes: bytes, lastLines, ...counter.progress() });
        },
      });
      if (status !== null) return await concludeBuild(env, record, { ...input, evaluation: local.evaluation }, status);
    }
  } finally {
    clearTimeout(telling);
  }
}

/** Builds that end sooner are told of when they are done. */
const TOLD_AFTER_MS = 2000;

/**
 * Tells the verification that its target is being built, for people who look at the Temporal UI: the server knows it, and the
 * workflow does not. Nothing depends on it, so what goes wrong is of no concern; telling it again is harmless.
 */
async function tellThatItGoesOn(target: Target): Promise<void> {
  try {
    const { client, info } = Context.current();
    const { workflowId, runId } = info.workflowExecution ?? {};
    if (workflowId === undefined) return;
    const began: BuildBegan = { name: targetLabel(target) };
    await client.workflow.getHandle(workflowId, runId).signal(BUILDING, began);
  } catch {
    // See above.
  }
}
