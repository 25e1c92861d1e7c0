import { instanceRecordId } from '../run/ids.js';
import { recordMemo, type InstanceRecord } from './record.js';
import { userOf } from '../run/queues.js';

/** How the record of an instance is begun, on the queue of the workers that do the instance's runs, unless it is there already. */
export const recordStart = (record: InstanceRecord, taskQueue: string) => ({
  workflowId: instanceRecordId(record.instance, userOf(taskQueue)),
  taskQueue,
  args: [record] as const,
  memo: recordMemo(record),
  staticSummary: `record of ${record.instance}`,
  workflowIdConflictPolicy: 'USE_EXISTING' as const,
});
