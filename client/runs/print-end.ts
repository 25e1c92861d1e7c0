import { exitStatus } from '../../model/report/exit-status.js';
import { renderReport, reportJson } from '../../model/report/render.js';
import type { CommandContext } from '../context.js';
import { failure, result, resultJson, wantsColour } from '../terminal/output.js';
import type { RunEnd } from './run-end.js';

/**
 * Prints how a run ended: its report on standard output, its error (in one message) on standard error.
 * @param strict as for `exitStatus`
 * @returns the exit status that goes with it
 */
export function printEnd(context: CommandContext, run: string, { report, error }: RunEnd, strict: boolean): number {
  if (report === null) {
    failure(`the run ${run} ended without a report: ${error ?? 'no reason was given'}`);
    return 1;
  }
  const failed = report.outcome === 'failed';
  // A run that failed before it knew anything has told all in its error.
  const rendered = !context.json && (!failed || report.targets.length > 0 || report.inputs.length > 0);
  // The report has the error too: on a terminal it would be read twice.
  if (failed && !(rendered && process.stdout.isTTY)) failure(report.error ?? error ?? `the run ${run} failed`);
  if (context.json) resultJson(reportJson(report, strict));
  else if (rendered) result(renderReport(report, 'text', { color: wantsColour(process.stdout) }));
  return exitStatus(report, strict);
}
