import { log, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { MachineActivities, NotificationEvent } from '../../model/contract/activities.js';
import { COORDINATOR_QUEUE, machineQueue } from '../../model/run/queues.js';
import type { CoordinatorActivities } from '../../model/contract/activities.js';
import type { RunOptions } from '../../model/run/options.js';
import { wantedBy } from '../../model/notify/index.js';
import type { RunState } from './run-state.js';
import { ownQueue } from '../calls/own-queue.js';

/** Tries of telling people. */
const TELLING_TRIES = 10;
/** Within half a minute: the report is the run's result as well, and what is left on a machine is swept later. */
const TIDYING_TRIES = 5;

/** Telling people and tidying up are bounded: they never keep a run from ending. */
export const closing = (summary: string, maximumAttempts = TELLING_TRIES) =>
  proxyActivities<Pick<CoordinatorActivities, 'notify' | 'recordEnd' | 'closeRun'>>({
    taskQueue: ownQueue(COORDINATOR_QUEUE),
    summary,
    startToCloseTimeout: '2 minutes',
    heartbeatTimeout: '5 seconds',
    retry: { initialInterval: '1 second', maximumInterval: '30 seconds', maximumAttempts },
  });

/** Counts how the run ended, for its instance. What goes wrong here is logged: the next run counts on. */
export async function count({ instance, failureLimit }: RunOptions, state: RunState): Promise<void> {
  if (failureLimit === undefined) return;
  const end = { run: workflowInfo().workflowId, outcome: state.outcome, endedAt: new Date(Date.now()).toISOString() };
  try {
    state.failuresInRow = await closing('count failures in a row').recordEnd({ ...end, instance, limit: failureLimit });
  } catch (error) {
    log.warn('how the run ended was not counted', { error: String(error) });
  }
}

/** Sends one event to each notifier that wants it. A notifier that fails is shown in the report. */
export async function tell(options: RunOptions, state: RunState, event: NotificationEvent): Promise<void> {
  const report = state.report();
  const at = new Date(Date.now()).toISOString();
  const results = await Promise.all(
    wantedBy(options.notify, { event, report }).map((notifier) =>
      closing(`tell ${notifier}: ${event}`)
        .notify({ notifier, options: options.notify, event, report, at, timeZone: options.timeZone })
        .catch((error: unknown) => ({ notifier, event, ok: false, error: String(error) })),
    ),
  );
  state.notifications.push(...results);
}

/** Writes the report, and gives back what the run kept on the machines that worked for it. */
export async function close(state: RunState, machines: readonly string[]): Promise<void> {
  const run = workflowInfo().workflowId;
  const done = await closing('write the report', TIDYING_TRIES)
    .closeRun({ report: state.report() })
    .catch((error: unknown) => {
      log.warn('the report was not written to the state directory', { error: String(error) });
      return { machine: null };
    });
  const others = machines.filter((machine) => machine !== done.machine);
  await Promise.all(
    others.map(async (machine) => {
      const { forgetRun } = proxyActivities<MachineActivities>({
        taskQueue: ownQueue(machineQueue(machine)),
        scheduleToStartTimeout: '5 seconds',
        startToCloseTimeout: '1 minute',
        retry: { maximumAttempts: 2 },
      });
      // A machine that is gone now sweeps what it kept when its worker starts again.
      await forgetRun({ run }).catch((error: unknown) => {
        log.warn(`machine ${machine} has not forgotten the run`, { error: String(error) });
      });
    }),
  );
}
