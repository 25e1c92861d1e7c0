import { hostname } from 'node:os';
import type { Client } from '@temporalio/client';
import { statOf } from './processes.js';

interface Asked {
  readonly client: Client;
  readonly namespace: string;
}

/** A worker that asks a task queue for work, as the server lists it. */
interface Poller {
  readonly identity: string;
  /** Milliseconds since 1970 of its last question. */
  readonly lastAccess: number;
}

/** A poll lasts a minute, so a live poller may have asked that long ago; dead ones stay listed for five. */
const STALE_MS = 65_000;

const QUEUE_TYPES = { workflow: 1, activity: 2 } as const;

interface Pollers {
  /** Those that are not known to be dead, or to stand still. */
  readonly live: readonly Poller[];
  /** Pids of workers of this machine that stand still: a signal has stopped them, and they take no task. */
  readonly stopped: readonly number[];
}

/** Who polls a queue for workflow tasks (or activity tasks), as `Pollers.live`. */
export const livePollers = async (
  server: Asked,
  queue: string,
  kind: 'workflow' | 'activity' = 'workflow',
): Promise<readonly Poller[]> => (await pollersOf(server, queue, kind)).live;

export async function pollersOf(
  server: Asked,
  queue: string,
  kind: 'workflow' | 'activity' = 'workflow',
): Promise<Pollers> {
  const answer = await server.client.withDeadline(Date.now() + 4000, () =>
    server.client.workflowService.describeTaskQueue({
      namespace: server.namespace,
      taskQueue: { name: queue },
      // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- the enum lives in a package of Temporal's own
      taskQueueType: QUEUE_TYPES[kind],
    }),
  );
  const pollers = answer.pollers.map((poller) => ({
    identity: poller.identity ?? '',
    lastAccess: Number(poller.lastAccessTime?.seconds ?? 0) * 1000,
  }));
  const states = await Promise.all(
    pollers.map(async (poller) => (Date.now() - poller.lastAccess < STALE_MS ? await stateOf(poller) : 'dead')),
  );
  const stopped = pollers.filter((_, index) => states[index] === 'stopped').map(({ identity }) => pidOf(identity));
  return {
    live: pollers.filter((_, index) => states[index] === 'live'),
    stopped: [...new Set(stopped)].filter((pid) => pid !== null),
  };
}

/** Identities are `pid@host`. */
const IDENTITY = /^(\d+)@(.+)$/;

/** The machine of a worker, as it is called there; an identity of another form is given as it is. */
export const hostOf = (identity: string): string => IDENTITY.exec(identity)?.[2] ?? identity;

/** Pid of a worker of this machine. */
const pidOf = (identity: string): number | null => {
  const [, pid, host] = IDENTITY.exec(identity) ?? [];
  return host === hostname() ? Number(pid) : null;
};

/** A process of this machine can be looked at. */
async function stateOf({ identity }: Poller): Promise<'live' | 'stopped' | 'dead'> {
  const pid = pidOf(identity);
  if (pid === null) return 'live';
  const found = await statOf(pid);
  if (found === null || found.isOver) return 'dead';
  return found.isStopped ? 'stopped' : 'live';
}

/** What is said of a worker of this machine that stands still, and what ends that. */
export const standsStill = (pid: number): readonly [found: string, wayOut: string] => [
  `pid ${pid} stands still, because a signal has stopped it`,
  `"kill -CONT ${pid}" lets it go on`,
];
