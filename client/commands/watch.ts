import { openExistingSession } from '../server/connection.js';
import type { CommandContext } from '../context.js';
import { followRun } from '../runs/follow-run.js';
import { message, paintFor } from '../terminal/output.js';
import { printEnd } from '../runs/print-end.js';
import { runEnd } from '../runs/run-end.js';
import { findRun, noRuns } from '../runs/runs.js';
import { minute } from '../schedules/table.js';
import { suggest } from '../terminal/suggest.js';

/** `lockkeeper watch RUN`: live progress until the run is closed, then its report. */
export async function watch(context: CommandContext, name: string): Promise<number> {
  const session = await openExistingSession(context, 'watch');
  if (session === null) throw noRuns();
  try {
    const run = await findRun(session, name);
    const { status, startTime, closeTime } = await session.client.workflow.getHandle(run).describe();
    if (status.name !== 'RUNNING') {
      const times = [startTime, closeTime ?? startTime].map((time) => minute(time.toISOString()));
      message(paintFor(process.stderr).dim(`The run is over: it ran from ${times.join(' to ')} UTC.`));
      return printEnd(context, run, await runEnd(session, run, context.state), false);
    }
    return await followRun(context, session, run, { again: suggest('watch', run) });
  } finally {
    await session.close();
  }
}
