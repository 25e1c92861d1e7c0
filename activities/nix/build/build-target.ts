import { activityInfo, cancellationDetails, cancellationSignal, cancelled, heartbeat } from '@temporalio/activity';
import path from 'node:path';
import type { BuilderActivities, BuildHeartbeat, BuildTargetInput } from '../../../model/activities.js';
import type { Verdict } from '../../../model/verdict.js';
import type { ActivityEnvironment } from '../../environment.js';
import { ensureBuild, type BuildOrder } from './build.js';
import { openRecord, readVerdict, releaseRecord, type BuildRecord } from './build-record.js';
import { endBuild } from './build-session.js';
import { estimateSeconds } from './build-times.js';
import { concludeBuild } from './build-verdict.js';
import { followBuild } from './follow-build.js';
import { localDerivation } from './local-derivation.js';

const HEARTBEAT_MS = 1000;

/**
 * Makes the activity that builds one evaluated target and follows the build. The build belongs to its record, not to the
 * attempt: a repeat attaches to it while it runs, returns its verdict when it has ended, and starts it again only when
 * neither is left. Anything that ends the attempt leaves the build alone (shutdown, time-out, a server that forgot the
 * attempt), except a cancellation that was asked for: that ends the build with all its processes, and removes the record.
 * @throws retryable `BuildInfrastructure`, and what evaluation throws when this machine lacks the derivation
 */
export const createBuildTarget =
  (env: ActivityEnvironment): BuilderActivities['buildTarget'] =>
  async (input) => {
    let beat = firstBeat(env);
    // At once: the workflow learns from it which machine has the build.
    heartbeat(beat);
    const report = (change: Partial<BuildHeartbeat>): void => {
      beat = { ...beat, ...change };
      heartbeat(beat);
    };
    const timer = setInterval(() => {
      heartbeat(beat);
    }, HEARTBEAT_MS);
    try {
      return await answered(env, input, report);
    } finally {
      clearInterval(timer);
    }
  };

/** The verdict of the record if there is one, else of a build. */
async function answered(
  env: ActivityEnvironment,
  input: BuildTargetInput,
  report: (change: Partial<BuildHeartbeat>) => void,
): Promise<Verdict> {
  const record = await openRecord(env.state, input, activityInfo().namespace);
  const known = await readVerdict(record);
  if (known !== null) return known;
  try {
    return await build(env, input, record, report);
  } catch (error) {
    if (!cancellationSignal().aborted) throw error;
    if (cancellationDetails()?.cancelRequested === true) {
      await endBuild(record);
      await releaseRecord(record);
    }
    // Rejects: what Temporal is to be told is the cancellation, not the work that it interrupted.
    return await cancelled();
  }
}

async function build(
  env: ActivityEnvironment,
  input: BuildTargetInput,
  record: BuildRecord,
  report: (change: Partial<BuildHeartbeat>) => void,
): Promise<Verdict> {
  const signal = cancellationSignal();
  const estimate = await estimateSeconds(env.state, input.repository, input.target);
  report({ phase: 'evaluating', logPath: record.log, estimateSeconds: estimate });
  const local = await localDerivation(env, input, path.join(record.directory, 'drv'), signal);
  if (local.kind === 'failed') return local.verdict;

  const { drvPath, outPath } = local.evaluation;
  const order: BuildOrder = { drvPath, outPath, nix: local.nix, leaseSeconds: input.takeoverSeconds };
  report({ phase: 'building' });
  for (;;) {
    signal.throwIfAborted();
    await ensureBuild(record, order);
    const status = await followBuild(record, {
      leaseSeconds: input.takeoverSeconds,
      signal,
      onProgress: ({ done, planned, bytes, lastLines, trouble }, startedAt) => {
        report({ startedAt, done, planned, logBytes: bytes, lastLines, trouble });
      },
    });
    if (status !== null) return concludeBuild(env, record, { ...input, evaluation: local.evaluation }, status);
  }
}

const firstBeat = (env: ActivityEnvironment): BuildHeartbeat => ({
  machine: env.machine,
  hostName: env.hostName,
  phase: 'queued',
  startedAt: new Date(activityInfo().currentAttemptScheduledTimestampMs).toISOString(),
  done: 0,
  planned: 0,
  logPath: '',
  logBytes: 0,
  lastLines: [],
  trouble: null,
  estimateSeconds: null,
});
