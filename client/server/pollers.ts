import { hostname } from 'node:os';
import type { Session } from './connection.js';
import { identify } from '../../host/processes.js';

/** A worker that asks a task queue for work, as the server lists it. */
export interface Poller {
  readonly identity: string;
  /** Milliseconds since 1970 of its last question. */
  readonly lastAccess: number;
}

/**
 * A long poll lasts a minute, so a live poller may have asked that long ago; the server lists a dead one for five
 * minutes.
 */
const STALE_MS = 65_000;

const QUEUE_TYPES = { workflow: 1, activity: 2 } as const;

/** Who polls a queue for workflow tasks (or activity tasks) and is not known to be dead. */
export async function livePollers(
  session: Session,
  queue: string,
  kind: 'workflow' | 'activity' = 'workflow',
): Promise<readonly Poller[]> {
  const answer = await session.client.withDeadline(Date.now() + 4000, () =>
    session.client.workflowService.describeTaskQueue({
      namespace: session.namespace,
      taskQueue: { name: queue },
      // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- the enum lives in a package of Temporal's own
      taskQueueType: QUEUE_TYPES[kind],
    }),
  );
  const pollers = answer.pollers.map((poller) => ({
    identity: poller.identity ?? '',
    lastAccess: Number(poller.lastAccessTime?.seconds ?? 0) * 1000,
  }));
  const alive = await Promise.all(
    pollers.map(async (poller) => Date.now() - poller.lastAccess < STALE_MS && !(await isDeadHere(poller.identity))),
  );
  return pollers.filter((_, index) => alive[index] === true);
}

/** Identities are `pid@host`. */
const IDENTITY = /^(\d+)@(.+)$/;

/** The machine of a worker, as it is called there; an identity of another form is given as it is. */
export const hostOf = (identity: string): string => IDENTITY.exec(identity)?.[2] ?? identity;

/** A process of this machine can be asked for directly. */
async function isDeadHere(identity: string): Promise<boolean> {
  const parts = IDENTITY.exec(identity);
  if (parts?.[2] !== hostname()) return false;
  return (await identify(Number(parts[1]))) === null;
}
