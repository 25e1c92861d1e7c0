import { renderReport, reportJson } from '../../model/report-render.js';
import { openExistingSession } from '../connection.js';
import type { CommandContext } from '../context.js';
import { CommandError } from '../errors.js';
import { result, resultJson, wantsColour } from '../output.js';
import type { ReportFormat } from '../report-format.js';
import { runEnd } from '../run-end.js';
import { findRun, noRuns } from '../runs.js';
import { typed } from '../typed.js';

/** `lockkeeper report RUN`: the report of a closed run. */
export async function report(context: CommandContext, name: string, format: ReportFormat): Promise<number> {
  const session = await openExistingSession(context, 'report');
  if (session === null) throw noRuns();
  try {
    const run = await findRun(session, name);
    const { status } = await session.client.workflow.getHandle(run).describe();
    if (status.name === 'RUNNING') {
      throw new CommandError(`The run ${run} is not over yet: see "${typed('status', run)}".`);
    }
    const end = await runEnd(session, run, context.state);
    if (end.report === null) {
      throw new CommandError(`The run ${run} ended without a report: ${end.error ?? status.name.toLowerCase()}.`);
    }
    if (context.json || format === 'json') resultJson(reportJson(end.report));
    else result(renderReport(end.report, format, { color: wantsColour(process.stdout) }));
    return 0;
  } finally {
    await session.close();
  }
}
