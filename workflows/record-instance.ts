import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineUpdate,
  setHandler,
  upsertMemo,
} from '@temporalio/workflow';
import { afterEnd, failuresUpTo, recordMemo } from '../model/instance/record.js';
import type { InstanceRecord, RunEnd } from '../model/instance/record.js';
import { RECORD_END } from '../model/run/messages.js';

const recordEnd = defineUpdate<number, [RunEnd]>(RECORD_END);

/** Ends after which the history begins anew: some six events each, far below the server's limit. */
const ENDS = 200;

/**
 * Keeps the record of one instance. The server's retention removes closed workflows: this one is open until `apply` removes its
 * instance, and its history begins anew from time to time.
 */
export async function recordInstance(start: InstanceRecord): Promise<never> {
  let record = start;
  let ends = 0;
  setHandler(recordEnd, (end): number => {
    ends += 1;
    record = afterEnd(record, end);
    upsertMemo(recordMemo(record));
    return failuresUpTo(record, end.run);
  });
  upsertMemo(recordMemo(record));
  // eslint-disable-next-line temporal/workflow-condition-timeout-style -- it waits for as long as its instance exists
  await condition(() => ends >= ENDS && allHandlersFinished());
  // replay-tested: 2026-11-25, test/replay/0.1.0
  return await continueAsNew<typeof recordInstance>(record);
}
