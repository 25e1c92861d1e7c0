import { WorkflowNotFoundError, type Client, type WorkflowExecutionDescription } from '@temporalio/client';
import { asksForProof } from '../../host/payload-proof.js';

/** An open workflow; `null` when there is none of that id. */
export async function openWorkflow(client: Client, workflowId: string): Promise<WorkflowExecutionDescription | null> {
  try {
    const described = await client.workflow.getHandle(workflowId).describe();
    return described.status.name === 'RUNNING' ? described : null;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

/** A text of a memo; `null` when it is missing, or not proven where a key is used. */
export const memoText = (described: WorkflowExecutionDescription | null, key: string): string | null => {
  const value = described?.memo?.[key];
  return typeof value === 'string' ? value : null;
};

/** Ends what somebody else started under an id of ours, to be in our way. Safe to repeat. */
export async function endImpostor(client: Client, { workflowId, runId }: WorkflowExecutionDescription): Promise<void> {
  try {
    await client.workflow
      .getHandle(workflowId, runId)
      .terminate('It stood in the place of a workflow of Lockkeeper, without proof.');
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

/** Run that holds a repository; `null`: it is free. The lock of a run that is over, or asks here itself, is none. */
export async function holderOf(client: Client, lockWorkflowId: string, asks: string | null): Promise<string | null> {
  const lock = await openWorkflow(client, lockWorkflowId);
  const holder = memoText(lock, 'run');
  if (lock === null || !asksForProof(client)) return holder;
  if (holder !== null && holder !== asks && (await openWorkflow(client, holder)) !== null) return holder;
  await endImpostor(client, lock);
  return null;
}
