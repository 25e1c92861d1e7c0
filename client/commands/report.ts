import type { Report } from '../../model/report/data.js';
import { renderReport, reportJson } from '../../model/report/render.js';
import { openExistingSession, type Session } from '../server/connection.js';
import type { CommandContext } from '../context.js';
import { CommandError } from '../errors.js';
import { findRunOrReport } from '../runs/found-run.js';
import { result, resultJson, wantsColour } from '../terminal/output.js';
import type { ReportFormat } from './report-format.js';
import { runEnd } from '../runs/run-end.js';
import { typed } from '../terminal/typed.js';

/** `lockkeeper report RUN`: the report of a closed run; of one that the server has forgotten, as this machine kept it. */
export async function report(context: CommandContext, name: string, format: ReportFormat): Promise<number> {
  let unreachable: unknown = null;
  const session = await openExistingSession(context, 'report').catch((error: unknown) => {
    unreachable = error;
    return null;
  });
  try {
    // This machine may have kept it, also where no server answers.
    const found = await reportOf(context, session, name).catch((error: unknown) => {
      throw unreachable ?? error;
    });
    if (context.json || format === 'json') resultJson(reportJson(found));
    else result(renderReport(found, format, { color: wantsColour(process.stdout) }));
    return 0;
  } finally {
    await session?.close();
  }
}

async function reportOf(context: CommandContext, from: Session | null, name: string): Promise<Report> {
  const found = await findRunOrReport(context, from, name);
  if (found.kind === 'forgotten') return found.report;
  const { session, run } = found;
  const { status } = await session.client.workflow.getHandle(run).describe();
  if (status.name === 'RUNNING') {
    throw new CommandError(`The run ${run} is not over yet: see "${typed('status', run)}".`);
  }
  const end = await runEnd(session, run, context.state);
  if (end.report === null) {
    throw new CommandError(`The run ${run} ended without a report: ${end.error ?? status.name.toLowerCase()}.`);
  }
  return end.report;
}
