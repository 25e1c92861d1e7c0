import { isCancellation, log, proxyActivities } from '@temporalio/workflow';
import type { MachineActivities } from '../../model/contract/activities.js';
import type { NotificationEvent } from '../../model/notify/types.js';
import { wantedBy } from '../../model/notify/index.js';
import { machineQueue } from '../../model/run/queues.js';
import { TIDYING_TRIES, closing, coordinator } from '../calls/coordinator.js';
import { rootCause } from '../calls/failures.js';
import { ownQueue } from '../calls/own-queue.js';
import { UNNEEDED_TRIES } from '../calls/unneeded.js';
import { moveChannels } from './channels.js';
import type { Facts, Found } from './facts.js';
import { showVerdicts } from './main-statuses.js';
import { closeRequests } from './requests.js';
import type { Run } from './run.js';

/** Something that follows the update. What goes wrong in it is found, or logged, and never changes how the run ended. */
type Step = (run: Run) => Promise<Found>;

/** Removes needless branches, which only runs have that ask for it. */
const removeOldBranches: Step = async ({ options: { repository }, state }) => {
  const { landed, needlessBranches: branches } = state.facts();
  if (landed === null || branches.length === 0) return {};
  try {
    const old = await coordinator('remove old branches', UNNEEDED_TRIES).removeBranches({ repository, branches });
    return { landed: { ...landed, old } };
  } catch (error) {
    const reason = `cannot be removed: ${isCancellation(error) ? 'the run was cancelled' : rootCause(error).message}`;
    return { landed: { ...landed, old: { removed: [], kept: branches.map(({ branch }) => ({ branch, reason })) } } };
  }
};

/** Counts how the run ended, for its instance; the next run counts on where that fails. */
const recordEnd: Step = async ({ id, options: { instance, failureLimit: limit }, state }) => {
  const { outcome } = state.facts();
  if (limit === undefined || outcome === null) return {};
  const end = { run: id, outcome, endedAt: new Date(Date.now()).toISOString() };
  try {
    return { failuresInRow: await closing('count failures in a row').recordEnd({ ...end, instance, limit }) };
  } catch (error) {
    log.warn('the outcome of the run was not counted', { error: String(error) });
    return {};
  }
};

const tellOfEnd: Step = async (run) => (isNews(run.state.facts()) ? await tell(run, 'finished') : {});

/** Nobody has heard of a run that gave way before it had something to show, and who cancels a run knows. */
const isNews = ({ outcome, candidate }: Facts): boolean =>
  outcome !== 'cancelled' && (outcome !== 'superseded' || candidate !== null);

/** Sends one event to each notifier that wants it. A notifier that fails is shown in the report. */
export async function tell({ options, state }: Run, event: NotificationEvent): Promise<Found> {
  const report = state.report();
  const at = new Date(Date.now()).toISOString();
  const notifications = await Promise.all(
    wantedBy(options.notify, { event, report }).map((notifier) =>
      closing(`notify ${notifier}: ${event}`)
        .notify({ notifier, options: options.notify, event, report, at, timeZone: options.timeZone })
        .catch((error: unknown) => ({ notifier, event, ok: false, error: String(error) })),
    ),
  );
  return { notifications };
}

/** Writes the report, and gives back what the run kept on the machines that worked for it. */
const close: Step = async ({ id, options: { siteDir }, state }) => {
  const done = await closing('write the report', TIDYING_TRIES)
    .closeRun({ report: state.report(), ...(siteDir === undefined ? {} : { siteDir }) })
    .catch((error: unknown) => {
      log.warn('the report was not written to the state directory', { error: String(error) });
      return { machine: null };
    });
  const others = state.facts().machines.filter((machine) => machine !== done.machine);
  await Promise.all(
    others.map(async (machine) => {
      const { forgetRun } = proxyActivities<MachineActivities>({
        taskQueue: ownQueue(machineQueue(machine)),
        scheduleToStartTimeout: '5 seconds',
        startToCloseTimeout: '1 minute',
        retry: { maximumAttempts: 2 },
      });
      // A machine that is gone now sweeps what it kept when its worker starts again.
      await forgetRun({ run: id }).catch((error: unknown) => {
        log.warn(`machine ${machine} did not remove its files of the run`, { error: String(error) });
      });
    }),
  );
  return {};
};

/** The next run may begin: the report that it reads is written. */
const releaseRepository: Step = async ({ lock }) => {
  await lock.release();
  return {};
};

/** What follows a landing, unless the run is cancelled. */
export const AFTER_LANDING: readonly Step[] = [removeOldBranches, moveChannels, closeRequests];

/** What follows every end, that of a cancelled run too. */
export const AT_THE_END: readonly Step[] = [showVerdicts, recordEnd, tellOfEnd, close, releaseRepository];

/** Takes one step after the other; each knows what those before it found. */
export async function takeSteps(run: Run, steps: readonly Step[]): Promise<void> {
  for (const step of steps) run.state.learn(await step(run));
}
