import { hostname } from 'node:os';
import { COORDINATOR_QUEUE, userOf } from '../../model/run/queues.js';
import type { Repository, RunOptions } from '../../model/run/options.js';
import type { StateDirectory } from '../../model/machine/state-directory.js';
import type { Session } from './connection.js';
import { HostFault } from '../../host/errors.js';
import { CommandError } from '../errors.js';
import { isLent } from './lent.js';
import { message } from '../terminal/output.js';
import { hostOf, livePollers } from '../../host/pollers.js';
import { suggest } from '../terminal/suggest.js';
import { attendWorker, type WorkerSlots } from './worker.js';

/** How this machine takes part in a run that a command starts. */
interface Help {
  /** `--with-worker`: whether it serves the queues of a server that is not the embedded one. */
  readonly lends: boolean;
  readonly slots?: WorkerSlots;
  /** Whether the run may wait for a worker that comes later. */
  readonly waits?: boolean;
}

const WITH_WORKER = 'give --with-worker, which lets this machine work for the run';

/**
 * Sees to it that somebody works on a run that is to be started. With the embedded server that is this machine's worker; a
 * server elsewhere has workers of its own, and this machine becomes one of them only when it is lent.
 * @throws CommandError that says who is missing, when nobody could do the run
 */
export async function provideWorker(
  state: StateDirectory,
  session: Session,
  options: RunOptions,
  help: Help,
): Promise<void> {
  await checkWorkers(session, options, help);
  if (options.user === undefined && (session.embedded || help.lends)) await attendWorker(session, state, help.slots);
}

/** A repository that is a folder can be worked on only where it lies. */
const isFolder = ({ url }: Repository): boolean => /^(\/|file:)/.test(url);

/** Looks who would do a run of a server elsewhere. @throws CommandError that says who is missing, when nobody could */
export async function checkWorkers(
  session: Session,
  { user, repository }: RunOptions,
  { lends, slots, waits = false }: Help,
): Promise<void> {
  // Nobody but its own workers does a run of an account: who follows it is told when none of them is there.
  if (session.embedded || user !== undefined) return;
  if (!lends && slots !== undefined && (slots.slots ?? slots.evaluationSlots) !== null)
    message(`note: --slots and --eval-slots are for a worker of this machine: ${WITH_WORKER}.`);
  const pollers = await livePollers(session, COORDINATOR_QUEUE);
  const server = `the Temporal server at ${session.address}`;
  if (!lends && !waits && pollers.length === 0)
    throw new CommandError(
      `No worker polls the queue ${COORDINATOR_QUEUE} of ${server}, so nobody would do the run: ` +
        `start one with "${suggest('worker')}", or ${WITH_WORKER}.`,
    );
  const elsewhere = [...new Set(pollers.map(({ identity }) => hostOf(identity)))].filter((host) => host !== hostname());
  if (!isFolder(repository) || elsewhere.length === 0) return;
  const unseen = `${repository.displayUrl} is a folder of this machine, which workers on ${elsewhere.join(', ')} cannot see`;
  const isSeen = pollers.some(({ identity }) => hostOf(identity) === hostname());
  if (!lends && !isSeen)
    throw new CommandError(
      `${unseen}, and ${server} has no others: give the URL of a remote that they reach, or ${WITH_WORKER}.`,
    );
  message(`note: ${unseen}: steps of the run that they take fail.`);
}

/**
 * Brings this machine's worker for an open run that a command follows or steers, where that is this machine's to do: a run
 * of the embedded server, or one that it was lent to.
 * @returns whether this machine's worker takes part
 */
export async function workerFor(
  state: StateDirectory,
  session: Session,
  run: string,
  slots?: WorkerSlots,
): Promise<boolean> {
  const { status, taskQueue } = await session.client.workflow.getHandle(run).describe();
  const isOurs =
    status.name === 'RUNNING' &&
    userOf(taskQueue) === null &&
    (session.embedded || (await isLent(state, session, run)));
  if (isOurs) await attendWorker(session, state, slots);
  return isOurs;
}

/** As `workerFor`, for a command that only looks: what keeps a worker from starting is said, and looking goes on. */
export async function workerForWatching(
  state: StateDirectory,
  session: Session,
  run: string,
  slots?: WorkerSlots,
): Promise<boolean> {
  try {
    return await workerFor(state, session, run, slots);
  } catch (error) {
    if (!(error instanceof HostFault)) throw error;
    message(`note: no worker could be started here for the run. ${error.message}`);
    return false;
  }
}
