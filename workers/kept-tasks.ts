import { createHash } from 'node:crypto';
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../host/files.js';
import type { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { ApplicationFailure } from '@temporalio/common';
import type { ActivityInboundCallsInterceptor, ActivityInterceptorsFactory } from '@temporalio/worker';
import { passingFailure } from '../model/run/failures.js';

/**
 * Tasks that a worker holds are written down while it works on them. A worker that starts finds those of its predecessor
 * and reports them as failed, so that they are tried again within milliseconds instead of after a heartbeat time-out.
 */
export interface KeptTasks {
  /** `folder` is emptied by `giveBack`; `machine` goes into the failure, so that a workflow knows whom to ask. */
  readonly folder: string;
  readonly machine: string;
}

/** Type of the failure that stands for a task whose worker died; the next attempt comes at once. */
const lost = (type: 'WorkerRestarted' | 'WorkerStopped', machine: string): ApplicationFailure =>
  passingFailure(type, type === 'WorkerRestarted' ? 'the worker was restarted' : 'the worker is stopping', {
    details: [{ machine }],
    nextRetryDelay: '1ms',
  });

/**
 * @param heartbeat whether to heartbeat each second for activities that do not do so themselves: without one, a dead
 * worker is noticed only when the whole activity times out, and a cancellation never arrives
 */
export const keepTasks =
  ({ folder, machine }: KeptTasks, heartbeat: boolean): ActivityInterceptorsFactory =>
  (context: Context) => {
    const inbound: ActivityInboundCallsInterceptor = {
      execute: async (input, next) => {
        const token = Buffer.from(context.info.taskToken);
        const digest = createHash('sha256').update(token).digest('hex').slice(0, 32);
        const file = join(folder, `${context.info.activityType}-${digest}`);
        await writeFile(file, token.toString('base64'), { mode: 0o600 });
        const last = rememberBeats(context);
        const beat = heartbeat
          ? setInterval(() => {
              context.heartbeat(last());
            }, 1000)
          : undefined;
        try {
          return await next(input);
        } catch (error) {
          // Another attempt, here after a restart or elsewhere, takes over: say so at once.
          if (context.cancellationDetails?.workerShutdown === true) throw lost('WorkerStopped', machine);
          throw error;
        } finally {
          clearInterval(beat);
          // A server that is away may miss the end of an attempt that was shut down: the next worker tells it again.
          if (context.cancellationDetails?.workerShutdown !== true) await rm(file, { force: true });
        }
      },
    };
    return { inbound };
  };

/** Gives what an activity has told of itself last, so that who heartbeats in its place repeats it. */
function rememberBeats(context: Context): () => unknown {
  let last: unknown;
  const beat = context.heartbeat;
  Object.defineProperty(context, 'heartbeat', {
    value: (details?: unknown): void => {
      last = details;
      beat.call(context, details);
    },
  });
  return () => last;
}

/** Reports the predecessor's tasks as failed. A token whose attempt has ended meanwhile is refused, which is fine. */
export async function giveBackTasks(client: Client, { folder, machine }: KeptTasks): Promise<number> {
  await makeFolder(folder);
  const files = (await readdir(folder)).map((name) => join(folder, name));
  const given = await Promise.all(
    files.map(async (file) => {
      const token = Buffer.from(await readFile(file, 'utf8'), 'base64');
      // A stale token, one of another server, one that was cut off: the heartbeat's time-out does the same, later.
      const accepted = await client.activity.fail(token, lost('WorkerRestarted', machine)).then(
        () => true,
        () => false,
      );
      await rm(file, { force: true });
      return accepted;
    }),
  );
  return given.filter(Boolean).length;
}
