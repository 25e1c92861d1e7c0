import type { Report } from '../../model/report/data.js';
import type { Session } from '../server/connection.js';
import type { CommandContext } from '../context.js';
import { CommandError } from '../errors.js';
import { storedReport } from './run-end.js';
import { findRun, noRuns } from './runs.js';

/** A run that the server knows, or the report that this machine kept of one that the server has forgotten. */
export type FoundRun =
  | { readonly kind: 'known'; readonly session: Session; readonly run: string }
  | { readonly kind: 'forgotten'; readonly report: Report };

/** What RUN means: see `findRun`. @param session `null` when there is no server */
export async function findRunOrReport(
  { state }: CommandContext,
  session: Session | null,
  name: string,
): Promise<FoundRun> {
  try {
    if (session === null) throw noRuns();
    return { kind: 'known', session, run: await findRun(session, name) };
  } catch (error) {
    const report = error instanceof CommandError && name !== 'latest' ? await storedReport(state, name) : null;
    if (report === null) throw error;
    return { kind: 'forgotten', report };
  }
}
