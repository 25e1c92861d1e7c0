import type { RunOptions } from '../model/run.js';
import type { Session } from './connection.js';
import { listOpenRuns } from './runs.js';

/** An open run that has, or is about to take, a repository. */
export interface Holder {
  readonly run: string;
  readonly optionsDigest: string | null;
  /** What it was asked, in a few words. */
  readonly summary: string | null;
}

/**
 * The run that holds the repository. A run that nobody has worked on yet holds nothing, so open runs are looked through
 * as well: `update` notes the lock that each will take in its memo.
 */
export async function findHolder(session: Session, options: RunOptions): Promise<Holder | null> {
  const { WorkflowNotFoundError } = await import('@temporalio/client');
  const { workflow } = session.client;
  const describe = async (id: string) => {
    try {
      const description = await workflow.getHandle(id).describe();
      return description.status.name === 'RUNNING' ? description : null;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return null;
      throw error;
    }
  };
  const lock = await describe(options.lockWorkflowId);
  const named = text(lock?.memo?.run);
  const run =
    named ??
    (await listOpenRuns(session)).find(({ memo }) => memo?.repositoryLock === options.lockWorkflowId)?.workflowId ??
    null;
  if (run === null) return null;
  const description = await describe(run);
  if (description === null) return null;
  return { run, optionsDigest: text(description.memo?.optionsDigest), summary: text(description.memo?.optionsSummary) };
}

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
