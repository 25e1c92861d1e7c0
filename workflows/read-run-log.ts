import { proxyActivities } from '@temporalio/workflow';
import type { MachineActivities } from '../model/contract/activities.js';
import type { LogSlice, ReadLogInput } from '../model/contract/verification.js';
import { machineQueue } from '../model/run/queues.js';
import { ownQueue } from './calls/own-queue.js';

/** Reads a slice of a log that lies on another machine. Short-lived, and never behind that machine's builds. */
export async function readRunLog(input: ReadLogInput & { readonly machine: string }): Promise<LogSlice> {
  const { machine, ...slice } = input;
  const { readLog } = proxyActivities<MachineActivities>({
    taskQueue: ownQueue(machineQueue(machine)),
    scheduleToStartTimeout: '5 seconds',
    startToCloseTimeout: '20 seconds',
    retry: { maximumAttempts: 2 },
  });
  return await readLog(slice);
}
