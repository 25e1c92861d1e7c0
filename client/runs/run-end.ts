import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readJson } from '../../host/files.js';
import { asShown } from '../../model/run/proof.js';
import type { Report } from '../../model/report/data.js';
import { completeReport, type StoredReport } from '../../model/report/earlier.js';
import { mayBeReport } from '../../model/report/facts.js';
import type { StateDirectory } from '../../model/machine/state-directory.js';
import { isPart } from '../../model/run/ids.js';
import { messageOf } from '../../model/text/message-of.js';
import type { Session } from '../server/connection.js';

export interface RunEnd {
  readonly report: Report | null;
  /** What the server says of a run without a report: terminated, timed out, or an error. */
  readonly error: string | null;
}

/**
 * Waits until a run is closed and gives its report: the workflow's result, the first detail of its failure, or the memo
 * of a cancelled one; else the copy below the state directory.
 */
export async function runEnd(session: Session, run: string, state: StateDirectory): Promise<RunEnd> {
  const { WorkflowFailedError } = await import('@temporalio/client');
  // Its run was given it in short.
  const whole = isPart(run) ? await storedReport(state, run) : null;
  if (whole !== null) return { report: whole, error: whole.error };
  const handle = session.client.workflow.getHandle(run);
  try {
    return { report: completeReport(asShown(await handle.result()) as StoredReport), error: null };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const report =
      reportIn(detailsOf(error.cause)) ??
      reportIn((await handle.describe().catch(() => null))?.memo?.report) ??
      (await storedReport(state, run));
    return { report, error: report?.error ?? messageOf(error.cause ?? error) };
  }
}

const detailsOf = (cause: unknown): unknown =>
  cause instanceof Error && 'details' in cause && Array.isArray(cause.details) ? cause.details[0] : null;

/** Earlier versions proved nothing of what they wrote. */
function reportIn(found: unknown): Report | null {
  const value = asShown(found);
  return mayBeReport(value) ? completeReport(value) : null;
}

/**
 * The report that a worker of this machine wrote: reports are kept for a year, while servers forget closed runs within
 * days or months.
 * @param run its id, or a beginning that no other report has
 * @returns `null` when there is none
 */
export async function storedReport(state: StateDirectory, run: string): Promise<Report | null> {
  const files = (await readdir(state.reports).catch(() => [])).filter((file) => file.endsWith('.json'));
  const meant = files.filter((file) => file.startsWith(run) && !isPart(file));
  const name = files.find((file) => file === `${run}.json`) ?? (meant.length === 1 ? meant[0] : undefined);
  return name === undefined ? null : reportIn(await readJson(join(state.reports, name)).catch(() => null));
}
