import { log } from '@temporalio/workflow';
import { targetLabel, type Target } from '../../model/targets/index.js';
import { coordinator } from '../calls/coordinator.js';
import { UNNEEDED_TRIES } from '../calls/unneeded.js';
import type { Found } from './facts.js';
import type { Run } from './run.js';

/** Shows on the forge that targets of a commit of main are being verified. Nothing waits for it but what is shown of them next. */
export const showPending = (run: Run, targets: readonly Target[]): Promise<void> =>
  targets.length === 0 ? Promise.resolve() : show(run, targets.map(targetLabel));

/** Shows on the forge what became of the targets of main's commit. */
export async function showVerdicts(run: Run): Promise<Found> {
  await show(run, []);
  return {};
}

async function show({ options: { verifies, forge, siteUrl }, state }: Run, pending: readonly string[]): Promise<void> {
  const { candidate } = state.facts();
  if (verifies !== true || forge === undefined || candidate === null) return;
  try {
    await coordinator('set commit statuses', UNNEEDED_TRIES).setStatuses({
      ...{ forge, commit: candidate.head, report: state.report() },
      ...(pending.length > 0 && { pending }),
      ...(siteUrl !== undefined && { siteUrl }),
    });
  } catch (error) {
    log.warn('statuses of the commit were not set', { error: String(error) });
  }
}
