import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { writeWhole } from '../../host/files.js';
import { readChange } from '../../host/kept-change.js';
import { earlierSizes } from '../../host/reports.js';
import { messageOf } from '../../model/text/message-of.js';
import { printableJson } from '../../model/text/text.js';
import type { Report, ReportedTarget } from '../../model/report/data.js';
import { renderReport, reportJson } from '../../model/report/render.js';
import { nameList } from '../../model/report/words.js';
import { namedBy } from '../../model/targets/index.js';
import { openExistingSession, type Session } from '../server/connection.js';
import type { CommandContext } from '../context.js';
import { CommandError } from '../errors.js';
import { findRunOrReport } from '../runs/found-run.js';
import { message, result, wantsColour } from '../terminal/output.js';
import type { ReportRequest } from './report-format.js';
import { runEnd } from '../runs/run-end.js';
import { openInBrowser } from '../terminal/browser.js';
import { suggest } from '../terminal/suggest.js';

/** `lockkeeper report RUN`: the report of a closed run; of one that the server has forgotten, as this machine kept it. */
export async function report(context: CommandContext, name: string, request: ReportRequest): Promise<number> {
  if (request.open === true && request.format !== 'html') {
    throw new CommandError('--open shows an HTML page: add --format html.');
  }
  if (request.limit !== undefined && request.format !== 'md') {
    throw new CommandError('--limit works only with Markdown: add --format md.');
  }
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
    const whole = request.full === true ? await withWholeChanges(context, found) : found;
    await deliver(await written(context, whole, request), request);
    return 0;
  } finally {
    await session?.close();
  }
}

/** A report has the first packages of each change; the machine that built a target keeps all of them beside the log of its build. */
async function withWholeChanges({ state }: CommandContext, found: Report): Promise<Report> {
  const missing: string[] = [];
  const targets = await Promise.all(
    found.targets.map(async (target): Promise<ReportedTarget> => {
      if (target.closure?.kind !== 'compared' || found.head === null) return target;
      const closure = await readChange(state, { run: found.run, head: found.head, target: namedBy(target.name) });
      if (closure === null) missing.push(target.name);
      return closure === null ? target : { ...target, closure };
    }),
  );
  if (missing.length > 0)
    message(
      `note: this machine does not have all that changes on ${nameList(missing, 10)}: ask the one that built it.`,
    );
  return { ...found, targets };
}

/** The report in the form that was asked for. */
async function written(
  context: CommandContext,
  found: Report,
  { format, output, full = false, limit }: ReportRequest,
): Promise<string> {
  if (context.json || format === 'json') return printableJson(reportJson(found), 2);
  if (format !== 'html') {
    return renderReport(found, format, { color: output === undefined && wantsColour(process.stdout), full, limit });
  }
  const { renderHtml } = await import('../../model/report/html/report-page.js');
  return renderHtml(found, { sizes: await earlierSizes(context.state, found) });
}

/** Puts it where it was asked for, and shows it. */
async function deliver(text: string, { output, open }: ReportRequest): Promise<void> {
  if (output === undefined && open !== true) {
    result(text);
    return;
  }
  const file =
    output === undefined ? join(await mkdtemp(join(tmpdir(), 'lockkeeper-')), 'report.html') : resolve(output);
  await writeWhole(file, text.endsWith('\n') ? text : `${text}\n`).catch((error: unknown) => {
    throw new CommandError(
      `The report cannot be written to ${file}: ${messageOf(error)}. Name another file with --output.`,
    );
  });
  message(`written to ${file}`);
  if (open === true) await openInBrowser(file);
}

async function reportOf(context: CommandContext, from: Session | null, name: string): Promise<Report> {
  const found = await findRunOrReport(context, from, name);
  if (found.kind === 'forgotten') return found.report;
  const { session, run } = found;
  const { status } = await session.client.workflow.getHandle(run).describe();
  if (status.name === 'RUNNING') {
    throw new CommandError(`The run ${run} is not over yet: see "${suggest('status', run)}".`);
  }
  const end = await runEnd(session, run, context.state);
  if (end.report === null) {
    throw new CommandError(`The run ${run} ended without a report: ${end.error ?? status.name.toLowerCase()}.`);
  }
  return end.report;
}
