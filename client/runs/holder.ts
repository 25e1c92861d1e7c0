import type { WorkflowExecutionDescription } from '@temporalio/client';
import type { RunOptions } from '../../model/run/options.js';
import type { Session } from '../server/connection.js';
import { listOpenRuns } from './runs.js';

/** An open run that has, or is about to take, a repository. */
export interface Holder {
  readonly run: string;
  /** Workflow id of the lock that it takes. */
  readonly repositoryLock: string | null;
  readonly optionsDigest: string | null;
  /** What it was asked, in a few words. */
  readonly summary: string | null;
}

/**
 * The run that holds the repository. A run that nobody has worked on yet holds nothing, so open runs are looked through
 * as well: `update` notes the lock that each will take in its memo.
 */
export async function findHolder(session: Session, options: RunOptions): Promise<Holder | null> {
  const lock = await describeOpen(session, options.lockWorkflowId);
  const named = text(lock?.memo?.run);
  const run =
    named ??
    (await listOpenRuns(session)).find(({ memo }) => memo?.repositoryLock === options.lockWorkflowId)?.workflowId ??
    null;
  return run === null ? null : holderOf(session, run);
}

/** An open run as a holder; `null` when it is closed or there is none of that id. */
export async function holderOf(session: Session, run: string): Promise<Holder | null> {
  const description = await describeOpen(session, run);
  if (description === null) return null;
  const { memo } = description;
  return {
    run,
    repositoryLock: text(memo?.repositoryLock),
    optionsDigest: text(memo?.optionsDigest),
    summary: text(memo?.optionsSummary),
  };
}

async function describeOpen(session: Session, id: string): Promise<WorkflowExecutionDescription | null> {
  const { WorkflowNotFoundError } = await import('@temporalio/client');
  try {
    const description = await session.client.workflow.getHandle(id).describe();
    return description.status.name === 'RUNNING' ? description : null;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
