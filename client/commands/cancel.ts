import { reportJson } from '../../model/report/render.js';
import { openExistingSession, type Session } from '../server/connection.js';
import type { CommandContext } from '../context.js';
import { CommandError } from '../errors.js';
import { look } from '../runs/look.js';
import { message, result, resultJson } from '../terminal/output.js';
import { workerFor } from '../server/provide-worker.js';
import { runEnd, type RunEnd } from '../runs/run-end.js';
import { findRun, noRuns } from '../runs/runs.js';
import { typed } from '../terminal/typed.js';

const WAIT_MS = 30_000;

/** How long a run that was asked to end before may still take. */
const AGAIN_MS = 10_000;

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
      throw new CommandError(`The run ${run} is over already: see "${typed('report', run)}".`);
    if (raw.workflowExtendedInfo?.cancelRequested === true) return await endByForce(session, run, context);
    // Ending its builds and tidying up is a worker's work.
    await workerFor(context.state, session, run);
    await handle.cancel();
    message(`Cancelling ${run} …`);
    const end = await closedInTime(session, run, context, WAIT_MS);
    if (end === null) {
      const problem = (await look(session, run, null)).view.problem;
      throw new CommandError(
        `The run ${run} is asked to end, but did not within ${WAIT_MS / 1000} s: ${problem ?? `look at it with "${typed('status', run)}"`}. "${typed('cancel', run)}" once more ends it by force.`,
      );
    }
    return showEnd(context, run, end);
  } finally {
    await session.close();
  }
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
  const end = await closedInTime(session, run, context, AGAIN_MS);
  if (end !== null) return showEnd(context, run, end);
  for (const workflow of [run, ...(await openBelow(session, run))])
    await session.client.workflow
      .getHandle(workflow)
      .terminate(`"${typed('cancel', run)}" was typed again`)
      .catch(unlessOver);
  if (context.json) resultJson({ run, report: null, terminated: true });
  else
    result(
      `Ended ${run} by force: it has no report, and nobody was told. Builds that still run end by themselves, and what it kept goes when a worker of its machine starts.`,
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
  withinMs: number,
): Promise<RunEnd | null> {
  const late = AbortSignal.timeout(withinMs);
  try {
    return await session.client.withAbortSignal(late, () => runEnd(session, run, context.state));
  } catch (error) {
    if (late.aborted) return null;
    throw error;
  }
}
