import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { logReaderId } from '../../model/run/ids.js';
import type { LogSlice, ReadLogInput } from '../../model/contract/verification.js';
import type { StateDirectory } from '../../model/machine/state-directory.js';
import { unprovenIn } from '../../model/run/proof.js';
import { messageOf } from '../../model/text/message-of.js';
import type { Session } from '../server/connection.js';
import { leftOutLine, readPiece } from '../../host/command-log.js';
import { systemCode } from '../../host/errors.js';
import { CommandError } from '../errors.js';
import type { FoundRun } from './found-run.js';
import { workerProblem } from '../server/problems.js';
import { queueOfRun } from './runs.js';

export interface LogPlace {
  readonly logPath: string;
  /** Id of the machine; `null` when it is not known, and then this one is meant. */
  readonly machine: string | null;
}

/** Reads what comes after a byte offset; with nothing new the text is empty. */
export type ReadLog = (offset: number) => Promise<{ readonly bytes: Buffer; readonly nextOffset: number }>;

const SLICE_BYTES = 256 * 1024;

/**
 * A reader of a log: of this machine's disk, or through a short workflow of the machine that has it.
 * @param found the run; of a forgotten one nobody knows the queue, so that only what lies here is read
 */
export async function logReader(state: StateDirectory, found: FoundRun, place: LogPlace): Promise<ReadLog> {
  const here = (await readFile(state.machineId, 'utf8').catch(() => '')).trim();
  if (place.machine === null || place.machine === here) return (offset) => readHere(place.logPath, offset);
  const { machine } = place;
  if (found.kind === 'forgotten')
    throw new CommandError(
      `The log lies on another machine (${machine}) at ${place.logPath}, and the server has forgotten the run.`,
    );
  const { session, run } = found;
  const taskQueue = await queueOfRun(session, run);
  const problem = await workerProblem(session, taskQueue);
  if (problem !== null)
    throw new CommandError(`The log lies on another machine (${machine}), and cannot be fetched: ${problem}.`);
  return async (offset) => {
    const slice = await readThere(session, taskQueue, { machine, logPath: place.logPath, offset, limit: SLICE_BYTES });
    return { bytes: Buffer.from(slice.text), nextOffset: slice.nextOffset };
  };
}

async function readHere(path: string, offset: number): Promise<{ bytes: Buffer; nextOffset: number }> {
  let file;
  try {
    file = await open(path, 'r');
  } catch (error) {
    const gone = systemCode(error) === 'ENOENT' ? 'is gone (logs are kept for a limited time)' : messageOf(error);
    throw new CommandError(`The log ${path} ${gone}.`);
  }
  try {
    const { bytes, nextOffset, leftOut } = await readPiece(path, file, offset, SLICE_BYTES);
    return { bytes: leftOut === 0 ? bytes : Buffer.from(leftOutLine(leftOut)), nextOffset };
  } finally {
    await file.close();
  }
}

async function readThere(
  session: Session,
  taskQueue: string,
  input: ReadLogInput & { readonly machine: string },
): Promise<LogSlice> {
  const key = createHash('sha256').update(input.logPath).digest('hex').slice(0, 12);
  try {
    const slice = await session.client.workflow.execute<
      (input: ReadLogInput & { machine: string }) => Promise<LogSlice>
    >('readRunLog', {
      taskQueue,
      workflowId: logReaderId(key, input.offset, `${process.pid}-${Date.now()}`),
      workflowExecutionTimeout: '1 minute',
      args: [input],
    });
    if (unprovenIn(slice) !== null)
      throw new CommandError(`The log ${input.logPath} was not sent by a worker of this run key.`);
    return slice;
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const { WorkflowFailedError } = await import('@temporalio/client');
    const cause = error instanceof WorkflowFailedError ? (error.cause?.cause ?? error.cause) : error;
    throw new CommandError(`The machine ${input.machine} did not give its log ${input.logPath}: ${messageOf(cause)}.`);
  }
}

/** A line that is longer is given in pieces. */
const LINE_CHARACTERS = 1024 * 1024;

/** Puts slices of bytes together into whole lines; characters and lines may be cut anywhere between two slices. */
export function lineSplitter(): { push(bytes: Buffer): string[]; rest(): string } {
  const decoder = new StringDecoder('utf8');
  let open = '';
  return {
    push: (bytes) => {
      const lines = (open + decoder.write(bytes)).split('\n');
      open = lines.pop() ?? '';
      if (open.length <= LINE_CHARACTERS) return lines;
      const piece = open;
      open = '';
      return [...lines, piece];
    },
    rest: () => open + decoder.end(),
  };
}
