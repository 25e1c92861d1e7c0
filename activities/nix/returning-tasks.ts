import type { Client } from '@temporalio/client';
import { ActivityNotFoundError, WorkflowNotFoundError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { ActivityEnvironment } from '../environment.js';
import { isAlive } from '../process-tree.js';
import { listRecords, releaseRecord } from './build-record.js';
import { endBuild } from './build-session.js';
import { createForgetRun } from './forget-run.js';
import { dropTask, heldTasks } from './held-tasks.js';

/** Failure type of an attempt whose worker was replaced. Its details are `{ machine }`: where to attach. */
export const WORKER_RESTARTED = 'WorkerRestarted';

/**
 * Tells the server that nobody follows the attempts of this machine's earlier workers any more, so that their workflows
 * attach at once instead of after a heartbeat time-out. Call it when the worker polls already. A token that the server
 * does not know any more is stale: its attempt has ended otherwise. Safe to repeat.
 * @returns how many attempts were given back
 */
export async function reportHeldTasks(client: Client, env: ActivityEnvironment): Promise<number> {
  let reported = 0;
  for (const { record, owner } of await listRecords(env.state)) {
    if (owner.namespace !== client.options.namespace) continue;
    for (const { file, task } of await heldTasks(record)) {
      if (await isAlive(task.worker)) continue;
      const failure = ApplicationFailure.create({
        message: `The worker on ${env.hostName} was restarted; the build goes on.`,
        type: WORKER_RESTARTED,
        details: [{ machine: env.machine }],
        nextRetryDelay: '1ms',
      });
      try {
        await client.activity.fail(Buffer.from(task.token, 'base64'), failure);
        reported += 1;
      } catch (error) {
        if (!(error instanceof ActivityNotFoundError)) throw error;
      }
      await dropTask(file);
    }
  }
  return reported;
}

type RunState = 'open' | 'cancelling' | 'closed';

/**
 * Asks the server about every run that this machine keeps a build of: builds of runs that are closed, unknown or being
 * cancelled are ended, and what closed runs kept is released. A cancellation while no worker was there reached nobody,
 * so a starting worker has to ask. Runs of other namespaces are left alone.
 * @returns ids of the runs that were ended or released
 */
export async function sweepBuilds(client: Client, env: ActivityEnvironment): Promise<readonly string[]> {
  const owned = (await listRecords(env.state)).filter(({ owner }) => owner.namespace === client.options.namespace);
  const swept: string[] = [];
  for (const run of new Set(owned.map(({ owner }) => owner.run))) {
    const state = await runState(client, run);
    if (state === 'open') continue;
    swept.push(run);
    if (state === 'closed') {
      await createForgetRun(env)({ run });
      continue;
    }
    for (const { record, owner } of owned) {
      if (owner.run !== run) continue;
      await endBuild(record);
      await releaseRecord(record);
    }
  }
  return swept;
}

async function runState(client: Client, run: string): Promise<RunState> {
  try {
    const { status, raw } = await client.workflow.getHandle(run).describe();
    if (status.name !== 'RUNNING' && status.name !== 'PAUSED') return 'closed';
    return raw.workflowExtendedInfo?.cancelRequested === true ? 'cancelling' : 'open';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'closed';
    throw error;
  }
}
