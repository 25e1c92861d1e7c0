import { isCancellation, log } from '@temporalio/workflow';
import type { FoundRequests } from '../../model/contract/activities.js';
import type { InsteadOf, Landed, ReportedRequest } from '../../model/report/data.js';
import type { ForgeOptions, RunOptions } from '../../model/run/options.js';
import type { Candidate } from '../../model/verify/candidate.js';
import { forgeCall, coordinator } from '../calls/coordinator.js';
import { isForGood, rootCause } from '../calls/failures.js';
import { UNNEEDED_TRIES } from '../calls/unneeded.js';
import type { Facts, Found } from './facts.js';
import type { Run } from './run.js';

const lookedFor = ({ repository, landing: { branch = '' } }: RunOptions, forge: ForgeOptions) => ({
  repository,
  forge,
  branch,
});

/** Looks before the work whether the forge lets a request be opened. One that does not answer now is asked again when it is needed. */
export async function tryForge({ options }: Run, forge: ForgeOptions): Promise<void> {
  try {
    await coordinator('try the forge', UNNEEDED_TRIES).findRequests(lookedFor(options, forge));
  } catch (error) {
    if (isCancellation(error) || isForGood(error)) throw error;
    log.warn('the forge did not answer', { error: String(error) });
  }
}

/** What the forge says of update branches, and whether a person declined this update. */
export const findRequests = ({ options }: Run, forge: ForgeOptions, candidate: Candidate): Promise<FoundRequests> =>
  forgeCall('look for pull requests').findRequests({ ...lookedFor(options, forge), candidate });

interface Pushed {
  readonly landed: Landed;
  readonly leftAlone: readonly InsteadOf[];
  readonly lock: string | null;
}

/** Opens or refreshes the pull request of a branch that was pushed. */
export function propose(run: Run, forge: ForgeOptions, { landed, ...pushed }: Pushed): Promise<ReportedRequest> {
  const { repository, landing } = run.options;
  return forgeCall('propose the update').propose({
    ...{ repository, forge, ...pushed, branch: landed.ref, commit: landed.commit, labels: landing.labels ?? [] },
    report: { ...run.state.report(), outcome: 'landed', landed },
  });
}

/** Says on the forge of each target what became of it. The request is there without it as well. */
export async function setStatuses({ options: { forge }, state }: Run): Promise<Found> {
  const { landed } = state.facts();
  if (forge === undefined || landed?.request === undefined) return {};
  try {
    await forgeCall('set commit statuses').setStatuses({ forge, commit: landed.commit, report: state.report() });
    return {};
  } catch (error) {
    return { landed: { ...landed, statusesMissing: isCancellation(error) ? CANCELLED : rootCause(error).message } };
  }
}

const CANCELLED = 'the run was cancelled';

/** Closes requests of earlier runs when nothing is left to update. */
export async function closeRequests({ options, state, id }: Run): Promise<Found> {
  const { forge } = options;
  if (forge === undefined || !isUpToDate(options, state.facts())) return {};
  try {
    const closedRequests = await coordinator('close pull requests', UNNEEDED_TRIES).closeRequests({
      ...lookedFor(options, forge),
      run: id,
    });
    return { closedRequests };
  } catch (error) {
    log.warn('pull requests that nobody needs were not closed', { error: String(error) });
    return {};
  }
}

/** Whether every input was asked for, and main has the newest revision of each. */
const isUpToDate = (
  { inputs, excludeInputs = [], inputGroups = [] }: RunOptions,
  { outcome, fetchFailures, heldBack }: Facts,
): boolean =>
  outcome === 'unchanged' &&
  inputs === 'all' &&
  [...excludeInputs, ...inputGroups, ...fetchFailures, ...heldBack].length === 0;
