import { pause } from '../../host/pause.js';
import { timeLimit } from '../../host/time-limit.js';
import { messageOf } from '../../model/text/message-of.js';
import { reportJson } from '../../model/report/render.js';
import { nameList } from '../../model/report/words.js';
import { openExistingSession, type Session } from '../server/connection.js';
import type { CommandContext } from '../context.js';
import { CommandError } from '../errors.js';
import { takeSnapshot } from '../runs/snapshot.js';
import { message, result, resultJson } from '../terminal/output.js';
import { workerForWatching } from '../server/provide-worker.js';
import { runEnd, type RunEnd } from '../runs/run-end.js';
import { findRun, noRuns } from '../runs/runs.js';
import { suggest } from '../terminal/suggest.js';

const WAIT_MS = 30_000;

/** How soon it is said what a run waits for, and how often that is looked at. */
const TELL_MS = 6000;

/** How long a run that was asked to end before may still take, and one on which nobody works. */
const AGAIN_MS = 10_000;
const AT_ONCE_MS = 500;

/**
 * `lockkeeper cancel RUN`: ends a run with its builds, and waits until it is over. One that was asked to before and did not is ended
 * by the server, with all that works for it.
 */
export async function cancel(context: CommandContext, name: string): Promise<number> {
  const session = await openExistingSession(context, 'cancel');
  if (session === null) throw noRuns();
  try {
    const run = await findRun(session, name);
    const handle = session.client.workflow.getHandle(run);
    const { status, raw } = await handle.describe();
    if (status.name !== 'RUNNING')
      throw new CommandError(`The run ${run} is over already: see "${suggest('report', run)}".`);
    if (raw.workflowExtendedInfo?.cancelRequested === true) return await endByForce(session, run, context);
    // First of all: a second cancellation ends it by force, whatever keeps a worker from starting.
    await handle.cancel();
    message(`Cancelling ${run} …`);
    // Ending its builds and tidying up is a worker's work.
    await workerForWatching(context.state, session, run).catch((error: unknown) => {
      throw new CommandError(
        `The run ${run} is asked to end, but no worker can be started that does it: ${messageOf(error).replace(/\.$/, '')}. ${byForce(run)}`,
      );
    });
    const began = Date.now();
    const vain = new AbortController();
    const telling = tellWhatKeeps(session, run, vain);
    const end = await closedInTime(session, run, context, AbortSignal.any([vain.signal, timeLimit(WAIT_MS)]));
    vain.abort();
    if (end === null) {
      const problem = await telling;
      throw new CommandError(
        `The run ${run} is asked to end, but did not within ${Math.round((Date.now() - began) / 1000)} s: ${problem ?? `look at it with "${suggest('status', run)}"`}. ${byForce(run)}`,
      );
    }
    return showEnd(context, run, end);
  } finally {
    await session.close();
  }
}

const byForce = (run: string): string => `"${suggest('cancel', run)}" once more ends it by force.`;

/**
 * Says what a run waits for that was asked to end, and again when that changes.
 * @param vain is aborted here when nobody works on the run and nobody came to, and by the caller when the run has ended
 * @returns the last of it; `null` when there was nothing to say
 */
async function tellWhatKeeps(session: Session, run: string, vain: AbortController): Promise<string | null> {
  let told: string | null = null;
  let missing = false;
  while (await pause(TELL_MS, vain.signal)) {
    // The server may be away for a moment.
    const found = await whatKeeps(session, run).catch(() => null);
    if (found === null || vain.signal.aborted) continue;
    if (found.problem !== null && found.problem !== told) message(`${run} has not ended yet: ${found.problem}.`);
    told = found.problem ?? told;
    if (missing && found.missing) vain.abort();
    ({ missing } = found);
  }
  return told;
}

interface Keeping {
  /** What keeps a run from ending, or the steps that have not ended; `null` when there is nothing to say. */
  readonly problem: string | null;
  /** Whether nobody works on it. */
  readonly missing: boolean;
}

/** Looks once. */
async function whatKeeps(session: Session, run: string): Promise<Keeping> {
  const { view, pollers } = await takeSnapshot(session, run, null);
  const missing = pollers.problem !== null;
  if (view.problem !== null) return { problem: view.problem, missing };
  const steps = await openSteps(session, run);
  const still = `${nameList(steps, 3)} still ${steps.length === 1 ? 'runs' : 'run'}`;
  return { problem: steps.length === 0 ? null : still, missing };
}

/** Steps of a run, and of what works for it, that workers have not let go of. */
async function openSteps(session: Session, run: string): Promise<readonly string[]> {
  const workflows = [run, ...(await openBelow(session, run))];
  const found = await Promise.all(
    workflows.map(async (workflow) => {
      const { raw } = await session.client.workflow.getHandle(workflow).describe();
      return (raw.pendingActivities ?? []).map(
        ({ activityType, lastWorkerIdentity }) =>
          `the step ${activityType?.name ?? ''}${(lastWorkerIdentity ?? '') === '' ? '' : ` on the worker ${lastWorkerIdentity ?? ''}`}`,
      );
    }),
  );
  return [...new Set(found.flat())];
}

function showEnd(context: CommandContext, run: string, end: RunEnd): number {
  if (context.json) resultJson({ run, report: end.report === null ? null : reportJson(end.report) });
  else
    result(
      end.report === null || end.report.outcome === 'cancelled'
        ? `Cancelled ${run}.`
        : `${run} ended before: ${end.report.outcome}.`,
    );
  return 0;
}

/** Needs no worker: a run whose own steps, or those of a workflow below it, keep failing ends by nothing else. */
async function endByForce(session: Session, run: string, context: CommandContext): Promise<number> {
  message(`${run} was asked to end before …`);
  const { problem } = (await takeSnapshot(session, run, null)).pollers;
  const end = await closedInTime(session, run, context, timeLimit(problem === null ? AGAIN_MS : AT_ONCE_MS));
  if (end !== null) return showEnd(context, run, end);
  for (const workflow of [run, ...(await openBelow(session, run))])
    await session.client.workflow
      .getHandle(workflow)
      .terminate(`"${suggest('cancel', run)}" was typed again`)
      .catch(unlessOver);
  if (context.json) resultJson({ run, report: null, terminated: true });
  else
    result(
      `Ended ${run} by force: it has no report, and no notification was sent. Its builds end by themselves. A worker that starts on its machine removes its files.`,
    );
  return 0;
}

/** Ids of the open workflows that work for one, from the top down. */
async function openBelow(session: Session, workflow: string): Promise<readonly string[]> {
  const { raw } = await session.client.workflow.getHandle(workflow).describe();
  const children = (raw.pendingChildren ?? []).map(({ workflowId }) => workflowId ?? '');
  const below = await Promise.all(children.map((child) => openBelow(session, child).catch(() => [])));
  return [...children, ...below.flat()];
}

/** One may have ended at this moment; the server ends some with those above them. */
function unlessOver(error: unknown): void {
  if (!(error instanceof Error && error.name === 'WorkflowNotFoundError')) throw error;
}

async function closedInTime(
  session: Session,
  run: string,
  context: CommandContext,
  late: AbortSignal,
): Promise<RunEnd | null> {
  try {
    return await session.client.withAbortSignal(late, () => runEnd(session, run, context.state));
  } catch (error) {
    if (late.aborted) return null;
    throw error;
  }
}
