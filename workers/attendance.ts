import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkflowNotFoundError, type Client, type WorkflowExecutionDescription } from '@temporalio/client';
import { COORDINATOR_QUEUE } from '../model/run/queues.js';
import type { LentRecord, StateDirectory, WorkerRecord } from '../model/machine/state-directory.js';
import type { ServerAddress } from './connection.js';
import { readJson } from '../host/files.js';
import { pause } from '../host/pause.js';
import { liveClientProcesses } from '../host/client-processes.js';

/** Seconds that a worker which a command started stays when neither commands nor runs need it any more. */
const ATTENDANCE_SECONDS = 3;
/** A server that has not answered for so long, in milliseconds, has no runs that this worker could do. */
const SILENCE_MS = 10 * 60_000;

/**
 * Stops a worker that a command started when it is needed no more: no command lives that has announced itself, and no run is
 * open but such as wait for a person, whose answer brings a worker again.
 */
export async function stopWhenUnneeded(
  client: Client,
  server: ServerAddress,
  state: StateDirectory,
  { stop, ended }: { readonly stop: AbortController; readonly ended: AbortSignal },
): Promise<void> {
  const runs = server.embedded ? () => openRuns(client) : () => lentRuns(client, server, state);
  let unneeded = 0;
  let answered = Date.now();
  while (!stop.signal.aborted && (await pause(500, ended))) {
    const others = (await liveClientProcesses(state)).filter((pid) => pid !== process.pid);
    unneeded = others.length === 0 ? unneeded + 0.5 : 0;
    if (unneeded < ATTENDANCE_SECONDS) continue;
    unneeded = 0;
    const waited = await runs()
      .then((open) => needWorker(client, open))
      .catch(() => null);
    if (waited !== null) answered = Date.now();
    const isNeeded = waited ?? Date.now() - answered < SILENCE_MS;
    if (!isNeeded || !(await isRecorded(state))) stop.abort();
  }
}

/** A worker ends when its state directory was removed or belongs to another worker. */
const isRecorded = (state: StateDirectory): Promise<boolean> =>
  readJson<WorkerRecord>(state.worker).then(
    (record) => record?.pid === process.pid,
    // It cannot be read now, which passes: too many files are open, for example.
    () => true,
  );

/** Of the embedded server, whose runs are all this machine's. */
async function openRuns(client: Client): Promise<readonly string[]> {
  const query = 'WorkflowType = "updateFlake" AND ExecutionStatus = "Running"';
  const found: string[] = [];
  for await (const { workflowId, taskQueue } of client.workflow.list({ query }))
    if (taskQueue === COORDINATOR_QUEUE) found.push(workflowId);
  return found;
}

/** Of a server elsewhere: the runs that this machine was lent to. Records of those that have ended are removed. */
async function lentRuns(
  client: Client,
  { address, namespace }: ServerAddress,
  state: StateDirectory,
): Promise<readonly string[]> {
  const open: string[] = [];
  for (const name of await readdir(state.lent).catch(() => [])) {
    const file = join(state.lent, name);
    const record = await readJson<LentRecord>(file);
    if (record?.address !== address || record.namespace !== namespace) continue;
    if ((await describeOpen(client, record.run)) === null) await rm(file, { force: true });
    else open.push(record.run);
  }
  return open;
}

/** Whether one of the runs has something to do. One that waits for a person has not, once the person was told. */
async function needWorker(client: Client, runs: readonly string[]): Promise<boolean> {
  for (const run of runs) {
    const open = await describeOpen(client, run);
    if (open !== null && !(waitsForPerson(open) && (open.raw.pendingActivities ?? []).length === 0)) return true;
  }
  return false;
}

const waitsForPerson = ({ typedSearchAttributes }: WorkflowExecutionDescription): boolean =>
  typedSearchAttributes.getAll().some(({ key, value }) => key.name === 'LockkeeperWaiting' && value === 'approval');

async function describeOpen(client: Client, run: string): Promise<WorkflowExecutionDescription | null> {
  try {
    const described = await client.workflow.getHandle(run).describe();
    return described.status.name === 'RUNNING' ? described : null;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}
