import { openExistingSession } from '../connection.js';
import type { CommandContext } from '../context.js';
import { followRun } from '../follow-run.js';
import { findRun, noRuns } from '../runs.js';
import { typed } from '../typed.js';

/** `lockkeeper watch RUN`: live progress until the run is closed, then its report. */
export async function watch(context: CommandContext, name: string): Promise<number> {
  const session = await openExistingSession(context, 'watch');
  if (session === null) throw noRuns();
  try {
    const run = await findRun(session, name);
    return await followRun(context, session, run, { again: typed('watch', run) });
  } finally {
    await session.close();
  }
}
