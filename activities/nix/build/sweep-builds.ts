import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { ActivityEnvironment } from '../../environment.js';
import { listRecords, releaseRecord } from './build-record.js';
import { endBuild } from './build-session.js';
import { createForgetRun } from './forget-run.js';

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
