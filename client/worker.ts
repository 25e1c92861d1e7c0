import { setTimeout as sleep } from 'node:timers/promises';
import { COORDINATOR_QUEUE, userOf } from '../model/queues.js';
import type { Repository, RunOptions } from '../model/run.js';
import type { StateDirectory, WorkerRecord } from '../model/state-directory.js';
import type { Session } from './connection.js';
import { startDetached, type Detached } from './detached.js';
import { CommandError } from './errors.js';
import { isHeld } from './held.js';
import { message } from './output.js';
import { livePollers } from './pollers.js';
import { isAlive } from './process-identity.js';
import { queueOfRun } from './runs.js';
import { logEnd, prepareToStart, readRecord } from './state-files.js';
import { announceUse, othersUse } from './users.js';

const START_MS = 20_000;
const WATCH_MS = 1000;

/** Slots for a worker that is started here; `null` leaves the worker's defaults. */
export interface WorkerSlots {
  readonly slots: number | null;
  readonly evaluationSlots: number | null;
}

export interface AttendedWorker {
  /** Whether the worker runs for this command alone: it ends soon after it. */
  readonly own: boolean;
  /** Stops looking after the worker. */
  release(): void;
}

/** The worker that serves this state directory; `null` when none runs. */
export async function runningWorker(state: StateDirectory): Promise<WorkerRecord | null> {
  const record = await readRecord<WorkerRecord>(state.worker);
  return record !== null && (await isAlive(record)) ? record : null;
}

/**
 * Whether a run can do without a worker of this machine: somebody else serves the queue of a configured server, and the
 * repository is not a path that only this machine has.
 */
async function servedElsewhere(session: Session, repository: Repository | null): Promise<boolean> {
  if (session.embedded) return false;
  const isHere = repository !== null && (repository.checkout !== null || /^(\/|file:)/.test(repository.url));
  return !isHere && (await livePollers(session, COORDINATOR_QUEUE)).length > 0;
}

/**
 * Makes sure that somebody works on a run: this machine's worker, unless another one does. Nobody but its own workers does a
 * run of an account: who follows it is told when none of them is there.
 */
export async function provideWorker(
  state: StateDirectory,
  session: Session,
  { user, repository }: RunOptions,
  slots?: WorkerSlots,
): Promise<void> {
  if (user !== undefined || (await servedElsewhere(session, repository))) return;
  await attendWorker(session, state, slots);
}

/** This machine's worker, for a command that a run has to answer; `null` when others do the run. */
export async function workerFor(
  state: StateDirectory,
  session: Session,
  run: string | null,
): Promise<AttendedWorker | null> {
  const queue = run === null ? null : await queueOfRun(session, run);
  const isAnothers = (queue !== null && userOf(queue) !== null) || (await servedElsewhere(session, null));
  return isAnothers ? null : await attendWorker(session, state);
}

/** Makes sure that this machine's worker runs, and starts it again when it dies while this command runs. */
async function attendWorker(
  session: Session,
  state: StateDirectory,
  slots: WorkerSlots = { slots: null, evaluationSlots: null },
): Promise<AttendedWorker> {
  await announceUse(state, 'worker');
  const found = await readyWorker(state);
  if (found !== null) {
    checkServer(found, session, state);
    tellSlots(found, slots);
  } else await startWorker(session, state, slots);
  const stop = new AbortController();
  void watch(session, state, slots, stop.signal);
  return {
    // A worker that lingers after the last command that needed it counts as ours too.
    own: found === null || !(await othersUse(state)),
    release: () => {
      stop.abort();
    },
  };
}

async function readyWorker(state: StateDirectory): Promise<WorkerRecord | null> {
  const deadline = Date.now() + START_MS;
  for (;;) {
    const record = await runningWorker(state);
    if (record === null || record.ready || Date.now() > deadline) return record;
    await sleep(50);
  }
}

function checkServer(record: WorkerRecord, session: Session, state: StateDirectory): void {
  if (typeof record.userQueue === 'string')
    throw new CommandError(
      `The worker of ${state.root} (pid ${record.pid}) does the runs of ${record.userQueue} alone, and there is one worker for a ` +
        'state directory: name another one with --state-dir.',
    );
  if (record.address === session.address && record.namespace === session.namespace) return;
  throw new CommandError(
    `The worker of ${state.root} (pid ${record.pid}) serves another server: ${record.address}, namespace ` +
      `${record.namespace}; this command talks to ${session.address}, namespace ${session.namespace}. ` +
      'Stop that worker, or name another state directory with --state-dir.',
  );
}

/** A worker that runs already keeps the slots that it was started with. */
function tellSlots(worker: WorkerRecord, { slots, evaluationSlots }: WorkerSlots): void {
  const differs =
    (slots !== null && slots !== worker.slots) ||
    (evaluationSlots !== null && evaluationSlots !== worker.evaluationSlots);
  if (differs) {
    message(
      `The worker that runs here has ${worker.slots} build and ${worker.evaluationSlots} evaluation slots; ` +
        'these are used as long as it runs.',
    );
  }
}

async function startWorker(session: Session, state: StateDirectory, slots: WorkerSlots): Promise<void> {
  await prepareToStart(state);
  const args = ['worker', '--attended', '--state-dir', state.root];
  if (slots.slots !== null) args.push('--slots', String(slots.slots));
  if (slots.evaluationSlots !== null) args.push('--eval-slots', String(slots.evaluationSlots));
  const start = (): Promise<Detached> => startDetached('main.js', args, state.workerLog);
  let child = await start();
  let waited = false;
  const deadline = Date.now() + START_MS;
  while (Date.now() < deadline) {
    const record = await runningWorker(state);
    if (record?.ready === true) {
      checkServer(record, session, state);
      return;
    }
    if (record === null && child.exited()) {
      // Another command's worker was quicker, or an old one is not gone yet.
      const held = await isHeld('worker', state);
      if (!held && !waited) break;
      if (!held) child = await start();
      waited = held;
    }
    await sleep(50);
  }
  throw new CommandError(
    `The worker ${child.exited() ? 'ended at once' : `was not ready within ${START_MS / 1000} s`}. ` +
      `The end of ${state.workerLog}:\n${await logEnd(state.workerLog)}`,
  );
}

/** A worker that dies takes at most a second and its start-up time from the run. */
async function watch(session: Session, state: StateDirectory, slots: WorkerSlots, stop: AbortSignal): Promise<void> {
  const stopped = (): boolean => stop.aborted;
  while (!stopped()) {
    await sleep(WATCH_MS, undefined, { signal: stop, ref: false }).catch(() => undefined);
    if (stopped() || (await runningWorker(state)) !== null) continue;
    // A start that fails is tried again; meanwhile the progress display says that no worker polls.
    await startWorker(session, state, slots).catch(() => sleep(WATCH_MS * 5, undefined, { ref: false }));
  }
}
