import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { MachineActivities } from '../../model/contract/activities.js';
import type { StateDirectory } from '../../model/machine/state-directory.js';
import { listRecords, releaseRecord } from './record.js';
import { endCommand } from './session.js';

type RunState = 'open' | 'cancelling' | 'closed';

/**
 * Asks the server about every run that this machine keeps a record of: commands of runs that are closed, unknown or being
 * cancelled are ended, and what closed runs kept is released. A cancellation while no worker was there reached nobody,
 * so a starting worker has to ask. Runs of other namespaces are left alone.
 * @param forgetRun lets go of a closed run on this machine
 * @returns ids of the runs that were ended or released
 */
export async function sweep(
  client: Client,
  state: StateDirectory,
  forgetRun: MachineActivities['forgetRun'],
): Promise<readonly string[]> {
  const owned = (await listRecords(state)).filter(({ owner }) => owner.namespace === client.options.namespace);
  const swept: string[] = [];
  for (const run of new Set(owned.map(({ owner }) => owner.run))) {
    const stands = await runState(client, run);
    if (stands === 'open') continue;
    swept.push(run);
    if (stands === 'closed') {
      await forgetRun({ run });
      continue;
    }
    for (const { record, owner } of owned) {
      if (owner.run !== run) continue;
      await endCommand(record);
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
