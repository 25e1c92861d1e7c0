import { reportJson } from '../../model/report-render.js';
import { openExistingSession, type Session } from '../connection.js';
import type { CommandContext } from '../context.js';
import { CommandError } from '../errors.js';
import { look } from '../look.js';
import { message, result, resultJson } from '../output.js';
import { workerFor } from '../provide-worker.js';
import { runEnd, type RunEnd } from '../run-end.js';
import { findRun, noRuns } from '../runs.js';
import { typed } from '../typed.js';

const WAIT_MS = 30_000;

/** `lockkeeper cancel RUN`: ends a run with its builds, and waits until it is over. */
export async function cancel(context: CommandContext, name: string): Promise<number> {
  const session = await openExistingSession(context, 'cancel');
  if (session === null) throw noRuns();
  try {
    const run = await findRun(session, name);
    const handle = session.client.workflow.getHandle(run);
    const { status } = await handle.describe();
    if (status.name !== 'RUNNING')
      throw new CommandError(`The run ${run} is over already: see "${typed('report', run)}".`);
    // Ending its builds and tidying up is a worker's work.
    await workerFor(context.state, session, run);
    await handle.cancel();
    message(`Cancelling ${run} …`);
    const end = await closedInTime(session, run, context);
    if (end === null) {
      const problem = (await look(session, run, null)).view.problem;
      throw new CommandError(
        `The run ${run} is asked to end, but did not within ${WAIT_MS / 1000} s: ${problem ?? `look at it with "${typed('status', run)}"`}.`,
      );
    }
    if (context.json) resultJson({ run, report: end.report === null ? null : reportJson(end.report) });
    else
      result(
        end.report === null || end.report.outcome === 'cancelled'
          ? `Cancelled ${run}.`
          : `${run} ended before: ${end.report.outcome}.`,
      );
    return 0;
  } finally {
    await session.close();
  }
}

async function closedInTime(session: Session, run: string, context: CommandContext): Promise<RunEnd | null> {
  const late = AbortSignal.timeout(WAIT_MS);
  try {
    return await session.client.withAbortSignal(late, () => runEnd(session, run, context.state));
  } catch (error) {
    if (late.aborted) return null;
    throw error;
  }
}
