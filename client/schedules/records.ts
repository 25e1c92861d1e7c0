import { newRecord, readRecordMemo, type ShownRecord } from '../../model/instance/record.js';
import { recordStart } from '../../model/instance/record-start.js';
import type { Session } from '../server/connection.js';

const OPEN_RECORDS = 'WorkflowType = "recordInstance" AND ExecutionStatus = "Running"';

export interface ListedRecord extends ShownRecord {
  readonly workflowId: string;
}

/** The records of all instances. Between two of one instance, which a run by hand as another account makes, the later one counts. */
export async function listRecords(session: Session): Promise<readonly ListedRecord[]> {
  const found: ListedRecord[] = [];
  for await (const { workflowId, memo } of session.client.workflow.list({ query: OPEN_RECORDS, pageSize: 500 })) {
    const record = readRecordMemo(memo);
    if (record !== null) found.push({ ...record, workflowId });
  }
  return found.sort((a, b) => (a.since < b.since ? -1 : 1));
}

/**
 * Takes the record of an instance along to the workers that do its runs from now on. Safe to repeat: a record that is there stays,
 * and the old one ends when the new one has begun. What is known of channels stays behind, since a memo does not hold it: the next look
 * counts anew, from the commit of main that went past them.
 */
export async function moveRecord(session: Session, instance: string, taskQueue: string): Promise<void> {
  const { workflowId } = recordStart(newRecord(instance, new Date()), taskQueue);
  const records = await listRecords(session);
  const others = records.filter((record) => record.instance === instance && record.workflowId !== workflowId);
  const latest = others.at(-1);
  if (latest === undefined) return;
  const { since, failures, lastSuccess } = latest;
  const record = { ...newRecord(instance, new Date()), since, failures, lastSuccess };
  await session.client.workflow.start('recordInstance', recordStart(record, taskQueue));
  await endRecords(session, others, 'its instance is another account’s');
}

/** Ends records. Safe to repeat. */
export async function endRecords(session: Session, records: readonly ListedRecord[], why: string): Promise<void> {
  const { WorkflowNotFoundError } = await import('@temporalio/client');
  for (const { workflowId } of records) {
    try {
      await session.client.workflow.getHandle(workflowId).terminate(why);
    } catch (error) {
      // Ended before, and still listed.
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }
}
