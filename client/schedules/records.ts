import { readRecordMemo, type ShownRecord } from '../../model/instance-record.js';
import type { Session } from '../connection.js';

const OPEN_RECORDS = 'WorkflowType = "recordInstance" AND ExecutionStatus = "Running"';

export interface ListedRecord extends ShownRecord {
  readonly workflowId: string;
}

/** The records of all instances. An instance that was given to another account has two, of which the later one counts. */
export async function listRecords(session: Session): Promise<readonly ListedRecord[]> {
  const found: ListedRecord[] = [];
  for await (const { workflowId, memo } of session.client.workflow.list({ query: OPEN_RECORDS, pageSize: 500 })) {
    const record = readRecordMemo(memo);
    if (record !== null) found.push({ ...record, workflowId });
  }
  return found.sort((a, b) => (a.since < b.since ? -1 : 1));
}

/** Ends records. Safe to repeat. */
export async function endRecords(session: Session, records: readonly ListedRecord[]): Promise<void> {
  const { WorkflowNotFoundError } = await import('@temporalio/client');
  for (const { workflowId } of records) {
    try {
      await session.client.workflow.getHandle(workflowId).terminate('its instance is configured no more');
    } catch (error) {
      // Ended before, and still listed.
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }
}
