import { setTimeout as sleep } from 'node:timers/promises';
import { logEnd, readJson } from '../../host/files.js';
import { isLocked } from '../../host/machine-lock.js';
import { lockFile, type StateDirectory, type WorkerRecord } from '../../model/machine/state-directory.js';
import type { Session } from './connection.js';
import { startDetached, type Detached } from '../../host/detached.js';
import { CommandError } from '../errors.js';
import { message, paintFor } from '../terminal/output.js';
import { isAlive } from '../../host/processes.js';
import { prepareToStart } from '../../host/state-directory.js';
import { announceIfPossible } from '../../host/client-processes.js';

const START_MS = 20_000;
const WATCH_MS = 1000;

/** Slots for a worker that is started here; `null` leaves the worker's defaults. */
export interface WorkerSlots {
  readonly slots: number | null;
  readonly evaluationSlots: number | null;
}

/** The worker that serves this state directory; `null` when none runs, or this account may not know. */
export async function runningWorker(state: StateDirectory): Promise<WorkerRecord | null> {
  const record = await readJson<WorkerRecord>(state.worker).catch(() => null);
  return record !== null && (await isAlive(record)) ? record : null;
}

/** State directories whose worker this process looks after. */
const attended = new Set<string>();

/**
 * Makes sure that this machine's worker runs, and starts it again when it dies while this command lives. It stays when the
 * command ends, until its runs have ended or wait for a person: see `workers/attendance.ts`.
 */
export async function attendWorker(
  session: Session,
  state: StateDirectory,
  slots: WorkerSlots = { slots: null, evaluationSlots: null },
): Promise<void> {
  if (attended.has(state.root)) return;
  const unwritable = await announceIfPossible(state, 'worker');
  const found = await readyWorker(state);
  if (found === null) {
    if (unwritable !== null) throw unwritable;
    await startWorker(session, state, slots);
    message(
      paintFor(process.stderr).dim(
        'Started a worker here: it goes on without this command, until the run ends or waits for approval.',
      ),
    );
  } else {
    checkServer(found, session, state);
    tellSlots(found, slots);
  }
  attended.add(state.root);
  void watch(session, state, slots);
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
  if (session.runKeyFile !== null) args.push('--run-key-file', session.runKeyFile);
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
      const locked = await isLocked(lockFile(state, 'worker'));
      if (!locked && !waited) break;
      if (!locked) child = await start();
      waited = locked;
    }
    await sleep(50);
  }
  throw new CommandError(
    `The worker ${child.exited() ? 'ended at once' : `was not ready within ${START_MS / 1000} s`}. ` +
      `The end of ${state.workerLog}:\n${await logEnd(state.workerLog)}`,
  );
}

/** A worker that dies takes at most a second and its start-up time from the run. */
async function watch(session: Session, state: StateDirectory, slots: WorkerSlots): Promise<never> {
  for (;;) {
    await sleep(WATCH_MS, undefined, { ref: false });
    if ((await runningWorker(state)) !== null) continue;
    // A start that fails is tried again; meanwhile the progress display says that no worker polls.
    await startWorker(session, state, slots).catch(() => sleep(WATCH_MS * 5, undefined, { ref: false }));
  }
}
